import type { Seconds } from '../../shared/units.ts'

/**
 * One line of a job's log: a verified wire event or a local fact, with the time at which it was folded.
 * Clocks, mints and floating point enter a job as entries, never as calls, so the same log gives the same state.
 */
export interface Entry<F> {
  /** The wire event's id, or a name that a local fact can have only once (`done:<effect id>`). */
  id: string
  /** Unix time. */
  at: Seconds
  fact: F
}

/** Something to be done. Its id is asked for at most once in a job's life, however often the fold says it. */
export interface EffectBase {
  id: string
  type: string
}

/** A job as a pure fold over its log. */
export interface Machine<S, F, E extends EffectBase> {
  /** Raised when old entries would be folded differently; recorded logs of every release are replayed in tests. */
  version: number
  initial: S
  advance(state: S, entry: Entry<F>): [S, E[]]
  /** The next moment at which time itself changes something, if any: the runner then appends a tick. */
  wakeAt(state: S): Seconds | undefined
  tick: F
  /** Whether nothing is left to wait for. */
  over(state: S): boolean
  /** Effects that no longer matter: they are aborted, and not started again after a restart. */
  abandoned(state: S, effect: E): boolean
}

/** Folds a whole log. */
export function replay<S, F, E extends EffectBase>(machine: Machine<S, F, E>, log: Iterable<Entry<F>>): S {
  let state = machine.initial
  const seen = new Set<string>()
  for (const entry of log) {
    if (seen.has(entry.id)) continue
    seen.add(entry.id)
    state = machine.advance(state, entry)[0]
  }
  return state
}
