import { createHash, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, mkdtemp, open, readdir, readFile, rename, rm, rmdir, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { UserError } from '../../shared/errors.ts'
import { CONFIG, FILES, FORMAT } from './config.ts'
import { withRefusals } from './refusals.ts'
import { ADAPTER_FILES, ADAPTER_OWN, TEXT_FILES } from './text/config.ts'

const OURS = new Set<string>([
  ...[CONFIG, ADAPTER_OWN],
  ...[FILES, TEXT_FILES, ADAPTER_FILES].flatMap(files => Object.values(files)),
])

/**
 * Refuses a folder for `--out` that holds anything but an older model, for nothing of a person's may be lost, and one that
 * cannot be written. Callers check before the work begins, so that a job is not paid for in vain.
 * @throws UserError `models/folder-taken`, `models/not-writable`
 */
export async function checkOut(out: string): Promise<void> {
  await withRefusals(out, async () => {
    await checkFree(out)
    await checkRights(dirname(resolve(out)))
  })
}

async function checkFree(out: string): Promise<void> {
  const found = await stat(out).catch(absent)
  if (!found) return
  if (!found.isDirectory()) throw taken(out, 'it is a file, not a folder')
  const names = await readdir(out)
  if (names.length === 0) return
  const strange = names.find(name => !OURS.has(name))
  if (strange !== undefined) throw taken(out, `it holds "${strange}", which is not part of a model`)
  if (!(await isModelFolder(out))) throw taken(out, 'it holds files, but not a Gradstr model')
}

/**
 * A folder is made, and an older model replaced, by a rename in the folder above: the first there is of those above.
 * Only trying tells: rights alone do not know of read-only disks, nor of root.
 */
async function checkRights(above: string): Promise<void> {
  const tried = await mkdtemp(join(above, '.gradstr-')).catch(absent)
  if (tried !== undefined) return rmdir(tried)
  if (dirname(above) !== above) await checkRights(dirname(above))
}

/** Whether a folder holds a model or an adapter of ours, of whatever version. */
export async function isModelFolder(folder: string): Promise<boolean> {
  for (const name of [CONFIG, ADAPTER_OWN]) {
    try {
      const config: unknown = JSON.parse(await readFile(join(folder, name), 'utf8'))
      const inside =
        typeof config === 'object' && config !== null && 'gradstr' in config ? config.gradstr : undefined
      if (isModelConfig(config) || isModelConfig(inside)) return true
    } catch {
      // Not there, or no JSON: not ours.
    }
  }
  return false
}

/** Whether a config.json says that it is one of ours, of whatever version. */
export const isModelConfig = (json: unknown): boolean =>
  typeof json === 'object' && json !== null && 'format' in json && json.format === FORMAT

/**
 * Makes `out` the folder that `write` fills: it appears when it is whole, or not at all. An older model there is replaced.
 * @throws UserError `models/folder-taken`, `models/not-writable`, `models/disk-full`
 */
export async function publishFolder(out: string, write: (folder: string) => Promise<void>): Promise<void> {
  await checkOut(out)
  await withRefusals(out, () => publish(out, write))
}

async function publish(out: string, write: (folder: string) => Promise<void>): Promise<void> {
  const target = resolve(out)
  const beside = (what: string) => join(dirname(target), `.${basename(target)}.${randomUUID()}.${what}`)
  const fresh = beside('tmp')
  await mkdir(fresh, { recursive: true })
  try {
    await write(fresh)
    await Promise.all((await readdir(fresh)).map(name => sync(join(fresh, name))))
    await replace(target, fresh, beside('old'))
  } finally {
    await rm(fresh, { recursive: true, force: true })
  }
}

/** A folder that is not empty cannot be renamed over: the old one steps aside, and comes back if the new one fails. */
async function replace(target: string, fresh: string, aside: string): Promise<void> {
  const old = await rename(target, aside).then(() => true, absent)
  try {
    await rename(fresh, target)
  } catch (error) {
    if (old) await rename(aside, target)
    throw error
  }
  await rm(aside, { recursive: true, force: true })
}

/** SHA-256 (hex) and size of a file, read in pieces. */
export async function fingerprint(path: string): Promise<{ sha256: string; size: number }> {
  const hash = createHash('sha256')
  let size = 0
  for await (const chunk of createReadStream(path)) {
    hash.update(chunk)
    size += chunk.length
  }
  return { sha256: hash.digest('hex'), size }
}

async function sync(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
  return undefined
}

const taken = (out: string, why: string): UserError =>
  new UserError('models/folder-taken', {
    message: `The model cannot be written to "${out}": ${why}.`,
    fix: 'Choose a folder that does not exist yet, or one that holds an older Gradstr model.',
    where: out,
  })
