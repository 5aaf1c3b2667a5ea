import { rm } from 'node:fs/promises'
import { checkpointPath, type Progression, saveRecent } from './checkpoint.ts'
import { LONGEST_CALL } from './pace.ts'

/** A longer call might not hear a stop in time on a busier machine. */
const LONG = 0.75 * LONGEST_CALL
/** Saving may take this part of the time. */
const SHARE = 1 / 20
/** How often it is saved where calls are short, in milliseconds: only a process that is killed needs it there. */
const SELDOM = 10_000

/**
 * Keeps the newest state on disk between two checkpoints. A call of the engine cannot be interrupted: where one takes longer
 * than whoever stops it would wait, the process is killed, and loses the call under way or twenty times what saving takes.
 */
export class RecentState {
  readonly #folder: string
  readonly #run: string
  readonly #every: number
  readonly #now: () => number
  /** The newest step on disk. */
  #step: number
  #savedAt: number
  #cost = 0

  /**
   * @param checkpoints  of the run, as for `train`
   * @param step  where it goes on; what it left there between two checkpoints is replaced
   * @param now  a clock in milliseconds
   */
  constructor(
    { folder, every }: { folder: string; every: number },
    run: string,
    step: number,
    now = () => performance.now(),
  ) {
    this.#folder = folder
    this.#run = run
    this.#every = every
    this.#step = step
    this.#now = now
    this.#savedAt = now()
  }

  /** Whether the state after this step is on disk, or is the run's first. */
  has(step: number): boolean {
    return step === this.#step
  }

  /** @param call  milliseconds that the last call of the engine took */
  async after(call: number, state: () => Promise<Progression>): Promise<void> {
    const began = this.#now()
    const since = began - this.#savedAt
    if (since < this.#cost / SHARE || (call <= LONG && since < SELDOM)) return
    const at = await state()
    await saveRecent(this.#folder, this.#run, at)
    await this.replaced(at.step)
    this.#cost = this.#now() - began
  }

  /** A newer state is on disk. */
  async replaced(step: number): Promise<void> {
    const before = this.#step
    this.#step = step
    this.#savedAt = this.#now()
    if (before % this.#every !== 0 && before !== step)
      await rm(checkpointPath(this.#folder, before), { force: true })
  }
}
