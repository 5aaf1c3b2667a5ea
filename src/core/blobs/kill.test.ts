import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSecretKey } from 'nostr-tools/pure'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { bytes } from '../../shared/units.ts'
import { keyPair } from '../identity/index.ts'
import { type LocalBlossom, startBlossom } from '../localnet/index.ts'
import { migrate, openDatabase } from '../store/index.ts'
import { type FaultyProxy, startFaultyProxy } from './faulty-proxy.test-support.ts'
import { createBlobs, type Manifest } from './index.ts'

const secret = generateSecretKey()
const signer = keyPair(secret)
const chunkSize = 64 * 1024
const chunks = 12

let folder: string
let server: LocalBlossom
let proxy: FaultyProxy
let child: ChildProcess | undefined
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-kill-'))
  server = await startBlossom({ folder: join(folder, 'server') })
  proxy = await startFaultyProxy(server.url)
})
afterEach(async () => {
  child?.kill('SIGKILL')
  await proxy.close()
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

const module = (path: string) => JSON.stringify(new URL(path, import.meta.url).href)

/** A home: its database and folder, as a process that is killed and one that comes after it open them. */
const opening = `
  const { createBlobs } = await import(${module('./index.ts')})
  const { migrate, openDatabase } = await import(${module('../store/index.ts')})
  const { keyPair } = await import(${module('../identity/index.ts')})
  const { folder, server, secret, manifest } = JSON.parse(process.env.WORK)
  const db = openDatabase(folder + '/home.db')
  migrate(db)
  const blobs = createBlobs({ db, folder: folder + '/home', policy: () => undefined, chunkSize: ${chunkSize} })
  const signer = keyPair(Buffer.from(secret, 'hex'))
`

/** Runs `work` in a real process and kills -9 it while it waits for the answer to its request number `n`. */
async function killedAtRequest(method: string, n: number, work: string, manifest?: Manifest): Promise<void> {
  let count = 0
  const reached = new Promise<void>(resolve => {
    proxy.fault = async request => {
      if (request.method !== method || ++count < n) return undefined
      resolve()
      // Never passed on, never answered.
      return await new Promise<undefined>(() => {})
    }
  })
  const input = { folder, server: proxy.url, secret: Buffer.from(secret).toString('hex'), manifest }
  child = spawn(process.execPath, ['--input-type=module', '-e', opening + work], {
    env: { ...process.env, WORK: JSON.stringify(input) },
    stdio: 'inherit',
  })
  const exited = once(child, 'exit')
  await Promise.race([
    reached,
    exited.then(([code]) => {
      throw new Error(`the process ended by itself (${code})`)
    }),
  ])
  child.kill('SIGKILL')
  await exited
  proxy.fault = () => undefined
  proxy.seen.length = 0
}

function home() {
  const db = openDatabase(join(folder, 'home.db'))
  migrate(db)
  return {
    db,
    blobs: createBlobs({
      db,
      folder: join(folder, 'home'),
      policy: () => undefined,
      chunkSize: bytes(chunkSize),
    }),
  }
}
const left = (name: string) => readdirSync(join(folder, 'home', name))

it.each([1, 5, 12])(
  'an upload killed at body %i goes on under the same key with what is missing',
  async n => {
    const path = join(folder, 'plain')
    const plain = randomBytes(chunkSize * chunks)
    writeFileSync(path, plain)
    await killedAtRequest(
      'PUT',
      n,
      `await blobs.upload(folder + '/plain', { servers: [server], signer, type: 'a/b' })`,
    )
    expect(left('outgoing')).toHaveLength(1)
    // Those before it were passed on, whether or not the process lived to see the answers.
    await expect.poll(() => readdirSync(join(folder, 'server', 'blobs'))).toHaveLength(n - 1)
    const { db, blobs } = home()
    const keys = db.prepare<{ key: string }>('select key from blob_sealed').all()
    expect(keys).toHaveLength(1)
    expect(left('outgoing')).toEqual([])

    const blob = await blobs.upload(path, { servers: [proxy.url], signer, type: 'a/b' })
    expect([{ key: blob.key }]).toEqual(keys)
    expect(db.prepare('select key from blob_sealed').all()).toEqual(keys)
    expect(proxy.seen.filter(line => line.startsWith('PUT'))).toHaveLength(chunks - (n - 1))
    // Every blob that ever reached the server belongs to this key: nothing was sealed twice.
    expect(readdirSync(join(folder, 'server', 'blobs')).toSorted()).toEqual(
      blob.chunks.map(chunk => chunk.sha256).toSorted(),
    )
    await blobs.download(blob, join(folder, 'copy'), { servers: [server.url], maxBytes: blob.size })
    expect(readFileSync(join(folder, 'copy')).equals(plain)).toBe(true)
    db.close()
  },
)

it('a download killed in the middle goes on with what is missing', async () => {
  const path = join(folder, 'plain')
  const plain = randomBytes(chunkSize * chunks)
  writeFileSync(path, plain)
  const other = openDatabase(join(folder, 'other.db'))
  migrate(other)
  const uploader = createBlobs({
    db: other,
    folder: join(folder, 'other'),
    policy: () => undefined,
    chunkSize: bytes(chunkSize),
  })
  const blob = await uploader.upload(path, { servers: [server.url], signer, type: 'a/b' })
  other.close()

  await killedAtRequest(
    'GET',
    9,
    `await blobs.download(manifest, folder + '/copy', { servers: [server], maxBytes: manifest.size })`,
    blob,
  )
  expect(left('incoming')).toHaveLength(1)
  const { db, blobs } = home()
  await blobs.download(blob, join(folder, 'copy'), { servers: [proxy.url], maxBytes: blob.size })
  expect(readFileSync(join(folder, 'copy')).equals(plain)).toBe(true)
  // Of the eight answered at least five were written: four are under way at a time.
  expect(proxy.seen.length).toBeLessThanOrEqual(chunks - 5)
  expect(left('incoming')).toEqual([])
  db.close()
})
