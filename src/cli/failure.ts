import { type ErrorReport, reportOf, UserError } from '../shared/errors.ts'
import { EXIT } from './exit-codes.ts'
import type { Log } from './log.ts'

/** What the operating system says, in words for the person at the keyboard. */
const systemErrors: Record<string, { message: string; fix: string }> = {
  EACCES: { message: 'No permission.', fix: 'Check who owns the file or folder, or choose another one.' },
  EPERM: { message: 'Not permitted.', fix: 'Check who owns the file or folder, or choose another one.' },
  EROFS: { message: 'The disk is read-only.', fix: 'Choose a folder on a disk that can be written.' },
  ENOSPC: { message: 'The disk is full.', fix: 'Free some space, then run the same command again.' },
  EDQUOT: {
    message: 'Your disk quota is used up.',
    fix: 'Free some space, then run the same command again.',
  },
  ENOENT: { message: 'There is no such file or folder.', fix: 'Check the path.' },
  ENOTDIR: { message: 'A part of this path is a file, not a folder.', fix: 'Check the path.' },
  EEXIST: { message: 'There is a file of this name already.', fix: 'Choose another name.' },
  EISDIR: { message: 'This is a folder, not a file.', fix: 'Name the file in it.' },
  EMFILE: { message: 'Too many files are open.', fix: 'Raise the limit (`ulimit -n 4096`) and try again.' },
  ENOMEM: { message: 'The machine is out of memory.', fix: 'Close other programs, then try again.' },
  SQLITE_FULL: { message: 'The disk is full.', fix: 'Free some space, then run the same command again.' },
  SQLITE_CANTOPEN: {
    message: 'The database of this home cannot be opened.',
    fix: 'Check who owns the folder, or choose another one with --home.',
  },
  SQLITE_READONLY: {
    message: 'The database of this home cannot be written.',
    fix: 'Check who owns the folder, or choose another one with --home.',
  },
  SQLITE_NOTADB: {
    message: 'The database of this home is damaged.',
    fix: 'Restore the folder from a copy, or bring the money back with `gradstr wallet restore` in a new --home.',
  },
  SQLITE_CORRUPT: {
    message: 'The database of this home is damaged.',
    fix: 'Restore the folder from a copy, or bring the money back with `gradstr wallet restore` in a new --home.',
  },
}

/** What to tell, and the exit code. Defects are written to the log with their stack. */
export function explain(error: unknown, log: Log, debug: boolean): { error: ErrorReport; code: number } {
  if (error instanceof UserError && !error.code.startsWith('internal/'))
    return { error: reportOf(error), code: error.code.startsWith('usage/') ? EXIT.usage : EXIT.failed }
  const system = systemFailure(error)
  if (system) return { error: system, code: EXIT.failed }
  const kept = keep(error, log)
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
  return {
    error: {
      code: 'internal/unexpected',
      message: `Something in Gradstr broke (${message.slice(0, 300)}).`,
      fix: `Please report it with the command you ran${kept ? ` and the log, ${log.path}` : ''}.${debug ? '' : ' GRADSTR_DEBUG=1 shows more.'}`,
    },
    code: EXIT.internal,
  }
}

function systemFailure(error: unknown): ErrorReport | undefined {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') return undefined
  const known = systemErrors[error.code]
  if (!known) return undefined
  const where = 'path' in error && typeof error.path === 'string' ? { where: error.path } : {}
  return { code: `system/${error.code.toLowerCase()}`, ...known, ...where }
}

function keep(error: unknown, log: Log): boolean {
  try {
    log.defect(error)
    return true
  } catch {
    // The disk may be what broke; the message on the screen has to do.
    return false
  }
}
