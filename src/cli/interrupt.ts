import { ENDING_SIGNALS, type EndingSignal } from '../shared/signals.ts'
import { EXIT } from './exit-codes.ts'

export interface Interrupt {
  /** Aborted by the first SIGINT, SIGTERM or SIGHUP: everything under way comes to an orderly stop. */
  readonly signal: AbortSignal
  /** The exit code that the signal asks for; undefined when none came. */
  code(): number | undefined
}

/**
 * One Ctrl-C in a terminal arrives several times: from the process group, from npm, from scripts/run.mjs. Only a signal
 * that comes this much later, in milliseconds, is a second one.
 */
const SAME_PRESS = 700

/** The first signal asks for an orderly stop; the second one ends the process at once. */
export function listenForSignals(
  line: NodeJS.EventEmitter,
  { exit, now, hint }: { exit: (code: number) => void; now: () => number; hint: () => void },
): Interrupt {
  const controller = new AbortController()
  let first: { at: number; code: number } | undefined
  const hear = (signal: EndingSignal) => {
    const code = signal === 'SIGINT' ? EXIT.interrupted : EXIT.terminated
    if (!first) {
      first = { at: now(), code }
      hint()
      controller.abort(new Interrupted({ signal }))
    } else if (now() - first.at > SAME_PRESS) exit(code)
  }
  for (const signal of ENDING_SIGNALS) line.on(signal, () => hear(signal))
  return { signal: controller.signal, code: () => first?.code }
}

/** Whether Ctrl-C asked for the stop, and not the system or another process. */
export const isByHand = ({ reason }: AbortSignal): boolean =>
  reason instanceof Interrupted && reason.signal === 'SIGINT'

/** Why an operation ended: the person asked for it. Not a failure to be explained. */
export class Interrupted extends Error {
  /** How to go on from where it stopped, where running the command again would be something else. */
  readonly fix: string | undefined
  /** What asked for it, where it was a signal. */
  readonly signal: EndingSignal | undefined

  constructor({ fix, signal }: { fix?: string; signal?: EndingSignal } = {}) {
    super('interrupted')
    this.name = 'Interrupted'
    this.fix = fix
    this.signal = signal
  }
}

/** `work`; whatever it breaks with after the person asked to stop becomes Interrupted with this advice. */
export async function advised<T>(signal: AbortSignal, fix: () => string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    throw signal.aborted ? new Interrupted({ fix: fix() }) : error
  }
}

/** Resolves when the person asks to stop. */
export const untilStopped = (signal: AbortSignal): Promise<void> =>
  signal.aborted
    ? Promise.resolve()
    : new Promise(resolve => signal.addEventListener('abort', () => resolve(), { once: true }))

/** `work`, or Interrupted as soon as the person asks to stop: for waiting that loses nothing when it ends. */
export function orStopped<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  // Its end is of no interest once the person has left.
  work.catch(() => undefined)
  return Promise.race([
    work,
    untilStopped(signal).then((): never => {
      throw new Interrupted()
    }),
  ])
}
