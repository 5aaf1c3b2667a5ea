/** Every wait of a relay connection, in milliseconds: one place, and tests bring their own. */
export interface Timings {
  /** Until a connection must stand. */
  connect: number
  /** Between pings, and how long an answer to one may take. */
  ping: number
  pong: number
  /** Until an EVENT or AUTH must be answered. */
  answer: number
  /** Silence after which a subscription counts as unanswered. */
  eose: number
  /** Reconnecting and trying again: the first wait and the longest; each doubles. */
  retry: number
  retryMax: number
  /** A connection that lasted this long was a good one: the next wait is the first again. */
  stable: number
  /** After `rate-limited`, and after a refusal that may be lifted one day. */
  rateLimited: number
  refused: number
  /** An unused connection is closed after this. */
  linger: number
}

export const DEFAULT_TIMINGS: Timings = {
  connect: 15_000,
  ping: 30_000,
  pong: 10_000,
  answer: 10_000,
  eose: 15_000,
  retry: 500,
  retryMax: 60_000,
  stable: 10_000,
  rateLimited: 30_000,
  refused: 600_000,
  linger: 30_000,
}

/** Exponential, with jitter: many clients of a relay that comes back must not come back in step. */
export function backoff(attempt: number, first: number, longest: number, random: () => number): number {
  return Math.min(longest, first * 2 ** Math.min(attempt, 30)) * (0.5 + random() / 2)
}
