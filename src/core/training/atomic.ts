import { randomUUID } from 'node:crypto'
import { type FileHandle, open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { UserError } from '../../shared/errors.ts'

/**
 * Writes a file so that after a crash at any moment either the old content is there or the whole new one: a
 * temporary file beside it, fsync, rename, fsync of the folder.
 * @param options.durable  Without it that holds when the process is killed, not when the power goes: no fsync, so that a file
 *   which is soon replaced may never cost the disk anything.
 * @throws UserError `training/disk-full`
 */
export async function writeAtomically(
  path: string,
  write: (file: FileHandle) => Promise<void>,
  { durable = true }: { durable?: boolean } = {},
): Promise<void> {
  const temporary = `${path}.${randomUUID()}.tmp`
  try {
    const file = await open(temporary, 'wx')
    try {
      await write(file)
      if (durable) await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw explained(error, path)
  }
  if (durable) await syncFolder(dirname(path))
}

/** Windows has no fsync on folders; its rename is journalled. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}

function explained(error: unknown, where: string): unknown {
  const full = error instanceof Error && 'code' in error && error.code === 'ENOSPC'
  if (!full) return error
  return new UserError('training/disk-full', {
    message: 'The disk is full; nothing was written.',
    fix: 'Free some space, then run the same command again: it goes on from its last checkpoint.',
    where,
    cause: error,
  })
}
