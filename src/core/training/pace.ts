import { type Seconds, seconds } from '../../shared/units.ts'

/** A call of the engine should take this long, in milliseconds: short enough to stop within, long enough to be fast. */
const CALL = 150
const MOST = 5000

/** What whoever stops a run waits for the call under way at most, in milliseconds: longer calls are of a single step. */
export const LONGEST_CALL = 300

/** Chooses how many steps go into one call of the engine, from how long the last ones took. */
export class Pace {
  private msPerStep: number | undefined
  /** Milliseconds that the last call took. */
  lastCall = 0
  private steps = 1
  private remaining: number
  private readonly now: () => number

  /** @param now  a clock in milliseconds */
  constructor(remaining: number, now = () => performance.now()) {
    this.remaining = remaining
    this.now = now
  }

  next(): number {
    return this.steps
  }

  async measure<T>(n: number, work: () => Promise<T>): Promise<T> {
    const began = this.now()
    const result = await work()
    this.lastCall = this.now() - began
    this.msPerStep = this.lastCall / n
    this.remaining -= n
    // The first call also warms the engine up, so its length says too much: at most ten times more steps each time.
    const fitting = Math.floor(CALL / this.msPerStep)
    this.steps = Math.max(1, Math.min(fitting, this.steps * 10, MOST))
    return result
  }

  left(): Seconds {
    return seconds(((this.msPerStep ?? 0) * this.remaining) / 1000)
  }
}
