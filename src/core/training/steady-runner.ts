import type { Data } from './data.ts'
import { type Attempt, type Fallback, nextAttempt, reasonOf } from './fallback.ts'
import { openRunner, type Runner, type RunnerOptions } from './runner.ts'
import type { TrainingSpec } from './spec.ts'
import type { Tensors } from './tensor.ts'

export interface SteadyOptions extends RunnerOptions {
  onFallback: (fallback: Fallback) => void
  /** How runners are opened; tests open some that fail. */
  open?: typeof openRunner
}

/** A runner; where its state lies changes with the engine. */
export type Steady = Omit<Runner, 'here'>

/** Reading the state back from a device may take this part of the time between. */
const MIRROR_SHARE = 1 / 50

interface Call {
  rows: Int32Array
  first: number
}

/**
 * A runner that outlives its engine. When a call fails it opens another, with fewer rows at a time or on the CPU, takes
 * the steps since the state was last in memory again, and then the call that failed: nothing is lost but that time.
 * A state that never leaves our memory is not kept twice.
 */
export async function openSteadyRunner(
  spec: TrainingSpec,
  data: Data,
  state: Tensors,
  options: SteadyOptions,
): Promise<Steady> {
  const { engine = 'cpu', microBatch = spec.batch } = options
  const runner = new SteadyRunner(spec, data, state, options, { engine, microBatch })
  await runner.open()
  return runner
}

class SteadyRunner implements Steady {
  readonly #spec: TrainingSpec
  readonly #data: Data
  readonly #options: SteadyOptions
  #attempt: Attempt
  #runner: Runner | undefined
  /** The state in our memory, unless the runner's own lies there, and the calls since. */
  #saved: Tensors | undefined
  #since: Call[] = []
  #savedAt = performance.now()
  #readBack = 0

  constructor(spec: TrainingSpec, data: Data, state: Tensors, options: SteadyOptions, attempt: Attempt) {
    this.#spec = spec
    this.#data = data
    this.#saved = state
    this.#options = options
    this.#attempt = attempt
  }

  /** Opens the engine where it is not open; where that fails, the next one. */
  open(): Promise<Runner> {
    return this.#steadily(0, async runner => runner)
  }

  async run(rows: Int32Array, first: number): Promise<Float32Array> {
    const losses = await this.#steadily(first, runner => runner.run(rows, first))
    if (this.#runner?.here) {
      this.#saved = undefined
      this.#since = []
      return losses
    }
    this.#since.push({ rows, first })
    if (performance.now() - this.#savedAt > this.#readBack / MIRROR_SHARE) await this.#save()
    return losses
  }

  async state(): Promise<Tensors> {
    await this.#save()
    return this.#saved ?? this.#steadily(0, runner => runner.state())
  }

  async close(): Promise<void> {
    await this.#runner?.close()
  }

  async #save(): Promise<void> {
    if (this.#since.length === 0) return
    const began = performance.now()
    this.#saved = await this.#steadily(this.#since.at(-1)!.first, runner => runner.state())
    this.#since = []
    this.#savedAt = performance.now()
    this.#readBack = this.#savedAt - began
  }

  /** Does the work with whatever engine can. @param step  of the job, for the report */
  async #steadily<T>(step: number, work: (runner: Runner) => Promise<T>): Promise<T> {
    for (;;) {
      try {
        this.#runner ??= await this.#reopened()
        return await work(this.#runner)
      } catch (error) {
        const after = nextAttempt(this.#attempt, error, this.#spec.batch)
        if (!after) throw error
        this.#options.onFallback({ ...after, step, reason: reasonOf(this.#attempt, after, error) })
        this.#attempt = after
        await this.#rescue()
        await this.#discard()
      }
    }
  }

  async #reopened(): Promise<Runner> {
    const { open = openRunner, threads, gentle, seed, base } = this.#options
    if (!this.#saved) throw new TypeError('the state went with the runner')
    const runner = await open(this.#spec, this.#data, this.#saved, {
      threads,
      gentle,
      seed,
      base,
      ...this.#attempt,
    })
    try {
      for (const { rows, first } of this.#since) await runner.run(rows, first)
    } catch (error) {
      await runner.close()
      throw error
    }
    return runner
  }

  async #rescue(): Promise<void> {
    if (this.#runner && !this.#saved) this.#saved = await this.#runner.state()
  }

  /** What is broken may not even close; that must not hide why. */
  async #discard(): Promise<void> {
    const broken = this.#runner
    this.#runner = undefined
    await broken?.close().catch(() => undefined)
  }
}
