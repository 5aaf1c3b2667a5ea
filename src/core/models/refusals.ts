import { UserError } from '../../shared/errors.ts'

/** What no waiting mends, by the system's codes. */
const lasting: Record<string, string> = {
  EACCES: 'there is no permission to write there',
  EPERM: 'there is no permission to write there',
  EROFS: 'the disk is read-only',
  ENOTDIR: 'a part of its path is a file, not a folder',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its links lead in a circle',
}
const full = new Set(['ENOSPC', 'EDQUOT'])

/**
 * Says what the system has against writing a model to `out`: a full disk may have room later, the rest will not change
 * by itself.
 * @throws UserError `models/not-writable`, `models/disk-full`
 */
export async function withRefusals<T>(out: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (full.has(code))
      throw new UserError('models/disk-full', {
        message: 'The disk is full: the model could not be written.',
        fix: 'Free some space.',
        where: out,
        cause: error,
      })
    const why = lasting[code]
    if (why === undefined) throw error
    throw new UserError('models/not-writable', {
      message: `The model cannot be written to "${out}": ${why}.`,
      fix: 'Choose a folder that can be written.',
      where: out,
      cause: error,
    })
  }
}
