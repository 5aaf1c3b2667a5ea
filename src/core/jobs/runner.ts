import { type ErrorReport, reportOf } from '../../shared/errors.ts'
import type { Seconds } from '../../shared/units.ts'
import type { Journal, Side } from './journal.ts'
import { type EffectBase, type Entry, type Machine, replay } from './machine.ts'

/** What carrying out an effect gave. */
export interface Outcome<F> {
  /** Appended to the log as `done:<effect id>`. */
  fact?: F
  /** Runs in the transaction that marks the effect as done, so that both happen or neither (the outbox). */
  commit?: () => void
}

export interface Context {
  /** Aborted when the effect no longer matters or the runner closes. */
  signal: AbortSignal
}

/** Carries out one effect. It may be called again after a crash: what it does must be idempotent by the effect's id. */
export type Perform<F, E extends EffectBase> = (effect: E, context: Context) => Promise<Outcome<F>>

export interface RunnerOptions<S, F, E extends EffectBase> {
  id: string
  side: Side
  machine: Machine<S, F, E>
  journal: Journal
  perform: Perform<F, E>
  now: () => Seconds
  /** Called after every entry; must not throw. */
  onChange?: (state: S, entry: Entry<F>) => void
  /** An effect failed and will be tried again; shown to the user, never swallowed. */
  onTrouble?: (effect: E, error: ErrorReport, retryInMs: number) => void
}

const firstRetryMs = 500
const longestRetryMs = 60_000
/**
 * A log that loses its end to a power cut is taken up where it ends, and its effects are carried out again. What must
 * not be done twice asks for more: an event in the outbox, a request to a mint.
 */
const light = { durable: false }

/**
 * Stores entry and effects in one transaction, then carries the effects out: each at least once until its outcome
 * is on disk, and again after a crash. All cleverness is in the machine; this only keeps its promises.
 */
export class Runner<S, F, E extends EffectBase> {
  #state: S
  /** Asked for and not done, in order. */
  #pending: Map<string, E>
  /** As often as that, transactions had been rolled back when these two were last read from the log. */
  #rollbacks: number
  readonly #options: RunnerOptions<S, F, E>
  readonly #running = new Map<string, { effect: E; abort: AbortController }>()
  readonly #settled: Promise<S>
  #settle!: { resolve: (state: S) => void; reject: (reason: unknown) => void }
  #timer: NodeJS.Timeout | undefined
  #started = false
  #closed = false
  /** Work under way; `close` waits for it. */
  readonly #work = new Set<Promise<void>>()

  constructor(options: RunnerOptions<S, F, E>) {
    this.#options = options
    options.journal.create(options.id, options.side, options.now())
    this.#state = replay(options.machine, options.journal.log<F>(options.id))
    this.#pending = this.#asked()
    this.#rollbacks = options.journal.rollbacks()
    this.#settled = new Promise((resolve, reject) => {
      this.#settle = { resolve, reject }
    })
    this.#settled.catch(() => {}) // whoever waits for it sees the reason
  }

  get id(): string {
    return this.#options.id
  }
  get state(): S {
    return this.#state
  }
  /** Resolves when the machine is over and no effect is left; rejects when the runner breaks. */
  get settled(): Promise<S> {
    return this.#settled
  }

  /** Whether everything that was asked for is done. */
  get idle(): boolean {
    return this.#pending.size === 0
  }

  /** Takes up what was pending when the process last stopped. */
  start(): void {
    if (this.#closed) return
    this.#started = true
    this.#launchAll()
    this.#afterwards()
  }

  /**
   * Folds one entry. Joins a transaction that is under way (the relays' `seen` mark, an effect's outcome).
   * @returns false when the entry was known
   */
  append(id: string, fact: F): boolean {
    if (this.#closed) throw new Error('this job is closed in this process')
    const { journal, machine, now, onChange } = this.#options
    this.#keepToLog()
    const entry: Entry<F> = { id, at: now(), fact }
    const folded = journal.transaction(() => {
      if (!journal.append(this.id, entry, machine.version)) return undefined
      const [state, effects] = machine.advance(this.#state, entry)
      return { state, asked: effects.filter(effect => journal.ask(this.id, effect)) }
    }, light)
    if (folded === undefined) return false
    this.#state = folded.state
    for (const effect of folded.asked) this.#pending.set(effect.id, effect)
    onChange?.(folded.state, entry)
    // Once the caller's transaction is over, and only what it left on disk.
    setImmediate(() => {
      if (this.#closed) return
      this.#keepToLog()
      if (!this.#started) return
      this.#launchAll()
      this.#afterwards()
    })
    return true
  }

  /** A caller's transaction that rolled back took our entry with it, and what it asked for: the log is the truth. */
  #keepToLog(): void {
    const { journal, machine } = this.#options
    if (journal.rollbacks() === this.#rollbacks) return
    this.#state = replay(machine, journal.log<F>(this.id))
    this.#pending = this.#asked()
    this.#rollbacks = journal.rollbacks()
  }

  #asked(): Map<string, E> {
    return new Map(this.#options.journal.pending<E>(this.id).map(effect => [effect.id, effect]))
  }

  #launchAll(): void {
    for (const effect of this.#pending.values()) this.#launch(effect)
  }

  /** Stops effects and timers. The log stays as it is; a new runner goes on from it. */
  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    for (const { abort } of this.#running.values()) abort.abort()
    await Promise.allSettled(this.#work)
  }

  #launch(effect: E): void {
    const { machine, journal, now } = this.#options
    if (this.#running.has(effect.id)) return
    if (machine.abandoned(this.#state, effect)) {
      journal.finish(this.id, effect.id, now())
      this.#pending.delete(effect.id)
      return
    }
    const abort = new AbortController()
    this.#running.set(effect.id, { effect, abort })
    const work = this.#carryOut(effect, abort.signal).finally(() => {
      this.#running.delete(effect.id)
      this.#work.delete(work)
      if (!this.#closed) this.#afterwards()
    })
    this.#work.add(work)
  }

  async #carryOut(effect: E, signal: AbortSignal): Promise<void> {
    const { perform, onTrouble } = this.#options
    for (let retryMs = firstRetryMs; ; retryMs = Math.min(retryMs * 2, longestRetryMs)) {
      try {
        const outcome = await perform(effect, { signal })
        if (!this.#closed) this.#finish(effect, signal.aborted ? {} : outcome)
        return
      } catch (error) {
        if (this.#closed) return
        if (signal.aborted) return this.#finish(effect, {})
        onTrouble?.(effect, reportOf(error), retryMs)
        await new Promise<void>(resolve => {
          const timer = setTimeout(resolve, retryMs)
          const stop = (): void => {
            clearTimeout(timer)
            resolve()
          }
          signal.addEventListener('abort', stop, { once: true })
        })
        if (this.#closed) return
      }
    }
  }

  #finish(effect: E, outcome: Outcome<F>): void {
    const { journal, now } = this.#options
    try {
      journal.transaction(() => {
        outcome.commit?.()
        journal.finish(this.id, effect.id, now())
        if (outcome.fact !== undefined) this.append(`done:${effect.id}`, outcome.fact)
      }, light)
      this.#pending.delete(effect.id)
    } catch (error) {
      this.#settle.reject(error)
    }
  }

  /** Aborts what no longer matters, sets the clock, and tells when all is over. */
  #afterwards(): void {
    const { machine, journal, now } = this.#options
    for (const { effect, abort } of this.#running.values())
      if (machine.abandoned(this.#state, effect)) abort.abort()
    clearTimeout(this.#timer)
    if (machine.over(this.#state) && this.#running.size === 0 && this.#pending.size === 0) {
      journal.close(this.id, now())
      this.#settle.resolve(this.#state)
      return
    }
    const wakeAt = machine.wakeAt(this.#state)
    if (wakeAt === undefined) return
    // Longer waits are cut (setTimeout ends at 24 days; a machine that slept must notice).
    const ms = Math.max(50, Math.min((wakeAt - now()) * 1000, 30_000))
    this.#timer = setTimeout(() => {
      if (now() >= wakeAt) this.append(`tick:${now()}`, machine.tick)
      else this.#afterwards()
    }, ms)
  }
}
