import { renameSync, rmSync, statSync } from 'node:fs'
import { type Logger, pino } from 'pino'

/** Above this the old file is set aside (one is kept). */
const MOST_BYTES = 10_000_000

export interface Log {
  readonly path: string
  /** What the rooms report: connections, retries, workers' last words. Never a key, token or preimage. */
  line(text: string): void
  defect(error: unknown): void
}

/** JSON lines in `path`. The file and its folder are made by the first line, not before. */
export function openLog(path: string): Log {
  let logger: Logger | undefined
  const open = (): Logger => {
    setAside(path)
    const file = pino.destination({ dest: path, mkdir: true, sync: true, mode: 0o600 })
    // A full disk must not end a job for the sake of its log.
    file.on('error', () => undefined)
    return pino({ base: { pid: process.pid } }, file)
  }
  const ready = (): Logger => {
    logger ??= open()
    return logger
  }
  return {
    path,
    line: text => ready().info(text),
    defect: error => ready().error({ err: error }, 'defect'),
  }
}

function setAside(path: string): void {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size < MOST_BYTES) return
  rmSync(`${path}.old`, { force: true })
  renameSync(path, `${path}.old`)
}
