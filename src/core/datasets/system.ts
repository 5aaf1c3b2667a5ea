import { UserError } from '../../shared/errors.ts'

const SAID: Record<string, [what: string, fix: string]> = {
  ENOSPC: ['The disk is full.', 'Free some space, or choose a folder on another disk, and try again.'],
  EACCES: [
    'This may not be read or written.',
    'Give yourself the rights to it, or choose another file or folder.',
  ],
  EPERM: [
    'This may not be read or written.',
    'Give yourself the rights to it, or choose another file or folder.',
  ],
  EROFS: ['The folder cannot be written to.', 'Choose another folder.'],
  EMFILE: ['Too many files are open.', 'Ask for fewer shards, or raise the limit of open files (ulimit -n).'],
  EIO: ['The disk reports an error.', 'Copy the file to another disk, if it can still be read.'],
}

/** Says the system's refusals in plain words. @param path  named when the system does not name one */
export async function withSystemErrors<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error
    const said = SAID[error.code]
    if (!said) throw error
    const where = 'path' in error && typeof error.path === 'string' ? error.path : path
    throw new UserError(`dataset/${error.code.toLowerCase()}`, {
      message: said[0],
      fix: said[1],
      where,
      cause: error,
    })
  }
}
