/**
 * An error for the person who gets it: what was found where, and what to do about it.
 * Shown as two or three lines; never with a stack trace.
 */
export class UserError extends Error {
  /** Stable, `area/what`, e.g. `dataset/column-mixed`. Tests and the app's translations key on it. */
  readonly code: string
  readonly fix: string
  /** The file, column, relay, mint or field it is about, when the message does not already say. */
  readonly where: string | undefined

  constructor(code: string, detail: { message: string; fix: string; where?: string; cause?: unknown }) {
    super(detail.message, detail.cause === undefined ? undefined : { cause: detail.cause })
    this.name = 'UserError'
    this.code = code
    this.fix = detail.fix
    this.where = detail.where
  }
}

/** What crosses a process boundary in place of an exception. */
export type ErrorReport = { code: string; message: string; fix: string; where?: string | undefined }

export function reportOf(error: unknown): ErrorReport {
  if (error instanceof UserError)
    return { code: error.code, message: error.message, fix: error.fix, where: error.where }
  const message = error instanceof Error ? error.message : String(error)
  return {
    code: 'internal/unexpected',
    message,
    fix: 'This is a defect in Gradstr. Please report it with the command you ran and this message.',
  }
}

export function errorFrom(report: ErrorReport): UserError {
  const { code, message, fix, where } = report
  return new UserError(code, { message, fix, ...(where === undefined ? {} : { where }) })
}

/** What an error says in the middle of a sentence: its first line, 300 characters at most, without the full stop. */
export const inShort = (error: unknown): string =>
  (reportOf(error).message.split('\n')[0] ?? '').slice(0, 300).replace(/[.\s]*$/, '')
