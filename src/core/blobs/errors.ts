import { UserError } from '../../shared/errors.ts'

/** What one server did wrong with one request; the next server is tried. */
export class ServerError extends Error {
  /** HTTP's, when the server answered at all. */
  readonly status: number | undefined
  /** The connection broke: worth a second try, as when a server closes one that was kept open. */
  readonly broken: boolean

  constructor(reason: string, detail: { status?: number; broken?: boolean } = {}) {
    super(reason)
    this.name = 'ServerError'
    this.status = detail.status
    this.broken = detail.broken ?? false
  }
}

/** Tries once more when the connection broke. */
export async function twice<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof ServerError) || !error.broken) throw error
    return await work()
  }
}

/** One server, and why it was given up. */
export type ServerProblem = { server: string; reason: string }

export const listed = (problems: readonly ServerProblem[]): string =>
  problems.map(({ server, reason }) => `${server}: ${reason}`).join('; ')

export const changed = (path: string): UserError =>
  new UserError('blobs/changed', {
    message: 'The file changed while it was being uploaded.',
    fix: 'Wait until nothing writes to it, then start again.',
    where: path,
  })

export function noServer(
  code: 'blobs/not-stored' | 'blobs/not-found',
  problems: readonly ServerProblem[],
): UserError {
  const what = code === 'blobs/not-stored' ? 'took all of the file' : 'gave all of the file'
  return new UserError(code, {
    message: `No Blossom server ${what}. ${listed(problems) || 'None is allowed by both sides.'}`,
    fix: 'Check that the servers run, or use another one with --blossom. What is done already is not repeated.',
  })
}

export const badManifest = (message: string): UserError =>
  new UserError('blobs/bad-manifest', {
    message,
    fix: 'Whoever made the manifest made it wrong; nothing was kept. Ask the other side to send it again.',
  })
