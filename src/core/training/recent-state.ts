import { rm } from 'node:fs/promises'
import { type Progression, saveRecent } from './checkpoint.ts'
import { LONGEST_CALL } from './pace.ts'

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
  readonly #now: () => number
  #savedAt: number
  #cost = 0
  #path: string | undefined

  /** @param now  a clock in milliseconds */
  constructor(folder: string, run: string, now = () => performance.now()) {
    this.#folder = folder
    this.#run = run
    this.#now = now
    this.#savedAt = now()
  }

  /** @param call  milliseconds that the last call of the engine took */
  async after(call: number, state: () => Promise<Progression>): Promise<void> {
    const began = this.#now()
    const since = began - this.#savedAt
    if (since < this.#cost / SHARE || (call <= LONGEST_CALL && since < SELDOM)) return
    const before = this.#path
    this.#path = await saveRecent(this.#folder, this.#run, await state())
    if (before) await rm(before, { force: true })
    this.#savedAt = this.#now()
    this.#cost = this.#savedAt - began
  }

  /** A checkpoint has taken its place, or the run is done. */
  async drop(): Promise<void> {
    if (this.#path) await rm(this.#path, { force: true })
    this.#path = undefined
    this.#savedAt = this.#now()
  }
}
