import { createCipheriv, createHash, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { encryptFile } from '../src/core/blobs/index.ts'
import type { BenchOptions } from './index.ts'
import { writeResult } from './report/result.ts'

const size = 256 * 1024 * 1024
const chunk = 4 * 1024 * 1024
const runs = 7

/**
 * Encrypting a blob (read the file, AES-256-GCM, SHA-256 of the plaintext and of every encrypted chunk, write the
 * chunks) as a ratio to Node's bare AES-256-GCM and one SHA-256 over the same bytes in memory, alternating, medians.
 * Goal: at least 0.8.
 */
export async function run({ json }: BenchOptions): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'gradstr-bench-'))
  try {
    const path = join(folder, 'plain')
    await writeFile(path, randomBytes(size))
    const plain = await readFile(path)
    const ours: number[] = []
    const bare: number[] = []
    // The first round warms caches and is not counted.
    for (let i = 0; i <= runs; i++) {
      const out = join(folder, 'out')
      const seconds = [
        await timed(async () => void (await encryptFile(path, out))),
        await timed(async () => bareCrypto(plain)),
      ]
      await rm(out, { recursive: true })
      if (i === 0) continue
      ours.push(seconds[0] ?? 0)
      bare.push(seconds[1] ?? 0)
    }
    show(json, { ours: size / median(ours) / 1e6, bare: size / median(bare) / 1e6 })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function bareCrypto(plain: Buffer): void {
  const key = randomBytes(32)
  const hash = createHash('sha256')
  for (let at = 0; at < plain.length; at += chunk) {
    const cipher = createCipheriv('aes-256-gcm', key, randomBytes(12))
    hash.update(cipher.update(plain.subarray(at, at + chunk)))
    cipher.final()
  }
  hash.digest()
}

async function timed(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

const median = (values: number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

/** Megabytes (10^6) a second. */
function show(json: boolean, { ours, bare }: { ours: number; bare: number }): void {
  const ratio = ours / bare
  if (json) {
    const rows = [
      { engine: 'ours', mb_per_s: ours },
      { engine: 'node', mb_per_s: bare },
    ]
    writeResult({ bench: 'blobs', goal: 0.8, bytes: size, runs, rows, ratio })
    return
  }
  process.stdout.write(
    [
      `Encrypt and hash a file of ${size / 1024 / 1024} MiB into chunks (median of ${runs}, ${cpus().length} cores)`,
      `  Gradstr, file to files          ${ours.toFixed(0)} MB/s`,
      `  Node, AES-256-GCM + SHA-256     ${bare.toFixed(0)} MB/s`,
      `  ratio                           ${ratio.toFixed(2)} (goal: at least 0.80)`,
      '',
    ].join('\n'),
  )
}
