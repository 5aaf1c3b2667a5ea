import type { ErrorReport } from '../shared/errors.ts'
import { harmless, type Paint, painter, printable } from './format.ts'

export interface Streams {
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
}

/** The streams, and how this process was started: see `GRADSTR_COMMAND` below. */
interface Surroundings extends Streams {
  env: NodeJS.ProcessEnv
}

/**
 * Where everything that a command says goes. Human text goes to stdout; with `--json` stdout carries JSON lines only,
 * the last one of type `result` (or `error`), and human text moves to stderr. Titles and reasons come from strangers: what
 * would steer a terminal, other than colours, never reaches it.
 */
export interface Report {
  readonly json: boolean
  /** Where human text goes; for the live display. */
  readonly human: NodeJS.WriteStream
  readonly paint: Paint
  say(...lines: string[]): void
  /** A remark that is not part of the answer: always stderr. */
  note(...lines: string[]): void
  /** One JSON line; nothing without `--json`. */
  event(type: string, fields: object): void
  /** The last JSON line of a command that succeeded. */
  result(fields: object): void
  error(error: ErrorReport): void
}

export function openReport(json: boolean, { stdout, stderr, env }: Surroundings): Report {
  // What a person is told to type must work where it is read: in a clone `gradstr` is `npm run -s gradstr --`.
  const command = env.GRADSTR_COMMAND ?? 'gradstr'
  const typed = (line: string) => line.replaceAll('`gradstr ', `\`${command} `)
  const human = json ? stderr : stdout
  const write = (stream: NodeJS.WriteStream, lines: readonly string[]) =>
    stream.write(lines.map(line => `${typed(harmless(line))}\n`).join(''))
  const event = (type: string, fields: object) => {
    if (json) stdout.write(`${JSON.stringify({ type, ...fields })}\n`)
  }
  return {
    json,
    human,
    paint: painter(human),
    say: (...lines) => void write(human, lines),
    note: (...lines) => void write(stderr, lines),
    event,
    result: fields => event('result', fields),
    error(error) {
      write(stderr, errorLines(error, painter(stderr)))
      event('error', error)
    },
  }
}

/** What, where (when the message does not say), how to fix: two or three lines. */
export function errorLines({ message, where, fix }: ErrorReport, paint: Paint): string[] {
  const oneLine = (text: string) => printable(text.replace(/\s*\n\s*/g, ' ').trim())
  const at =
    where === undefined || message.includes(where) ? [] : [`${paint('bold', 'Where:')} ${oneLine(where)}`]
  return [`${paint('red', 'Error:')} ${oneLine(message)}`, ...at, `${paint('bold', 'Fix:')} ${oneLine(fix)}`]
}
