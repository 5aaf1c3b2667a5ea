import { compileCache } from '../../shared/compile-cache.ts'
import { UserError } from '../../shared/errors.ts'
import type { Caller, CallOptions, Input, Output, Progress, TaskName, Tasks } from './task.ts'
import { cancelled, WorkerProcess } from './worker-process.ts'

export interface ComputeOptions {
  /** The worker's entry file; passed by the composition root, as `core` knows no worker. */
  entry: URL | string
  /** The workers' environment. Default: this process's, without the variables that may hold secrets. */
  env?: Record<string, string>
  log?: (line: string) => void
  /** Processes that may work at the same time; further calls wait in line. Default 2. */
  workers?: number
  /** From the stop message, once it was heard, to the kill when a call is cancelled, in milliseconds. Default 5,000. */
  grace?: number
  /** How long a worker without work is kept for the next call, in milliseconds. Default 10,000. */
  idle?: number
}

export interface ComputeClient<T extends Tasks> extends Caller<T> {
  /** Kills every worker, those at work too, and resolves once none can do anything more. */
  close(): Promise<void>
  /** The process ids of the workers that live now. */
  pids(): number[]
}

/**
 * Calls the tasks of a table in worker processes: a process for each task under way (onnxruntime blocks its thread, and
 * several sessions in one process slow each other), a new one whenever one has died.
 */
export function computeClient<T extends Tasks>(tasks: T, options: ComputeOptions): ComputeClient<T> {
  const pool = new Pool(options)
  return {
    async run<N extends TaskName<T>>(
      name: N,
      input: Input<T[N]>,
      { signal, onProgress }: CallOptions<T[N]> = {},
    ): Promise<Output<T[N]>> {
      const task = tasks[name]
      if (!task) throw new Error(`no such task: ${name}`)
      const payload = task.input.parse(input)
      const worker = await pool.take(name, signal)
      try {
        const tell = (value: unknown) => onProgress?.(task.progress?.parse(value) as Progress<T[N]>) // parsed by its own schema
        return task.output.parse(
          await worker.call(name, payload, { onProgress: tell, signal, hears: task.hears }),
        ) as Output<T[N]> // likewise
      } finally {
        pool.giveBack(worker)
      }
    },
    close: () => pool.close(),
    pids: () => pool.pids(),
  }
}

/** First come, first served. */
class Pool {
  readonly #options: ComputeOptions
  readonly #living = new Set<WorkerProcess>()
  readonly #idle = new Map<WorkerProcess, NodeJS.Timeout>()
  readonly #queue: (() => void)[] = []
  #busy = 0
  #closed = false

  constructor(options: ComputeOptions) {
    this.#options = options
  }

  async take(task: string, signal: AbortSignal | undefined): Promise<WorkerProcess> {
    if (this.#closed) throw closed()
    if (signal?.aborted) throw cancelled(task)
    if (this.#busy < (this.#options.workers ?? 2)) this.#busy++
    else await this.#wait(task, signal)
    if (this.#closed) throw closed()
    return this.#idleWorker() ?? this.#fork()
  }

  giveBack(worker: WorkerProcess): void {
    // Who comes next should find the memory that this one had.
    if (!worker.alive) return void worker.gone.then(() => this.#leave(worker))
    if (!this.#closed)
      this.#idle.set(worker, setTimeout(() => this.#retire(worker), this.#options.idle ?? 10_000).unref())
    this.#handOver()
  }

  #leave(worker: WorkerProcess): void {
    this.#living.delete(worker)
    this.#handOver()
  }

  /** The place in the line is handed over, so that nobody who comes in between takes it. */
  #handOver(): void {
    const next = this.#queue.shift()
    if (next) next()
    else this.#busy--
  }

  pids(): number[] {
    return [...this.#living].filter(w => w.alive).flatMap(w => w.pid ?? [])
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const timer of this.#idle.values()) clearTimeout(timer)
    for (const go of this.#queue.splice(0)) go()
    await Promise.all([...this.#living].map(worker => worker.kill()))
    this.#living.clear()
  }

  #wait(task: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const go = () => {
        signal?.removeEventListener('abort', leave)
        resolve()
      }
      const leave = () => {
        this.#queue.splice(this.#queue.indexOf(go), 1)
        reject(cancelled(task))
      }
      this.#queue.push(go)
      signal?.addEventListener('abort', leave, { once: true })
    })
  }

  #idleWorker(): WorkerProcess | undefined {
    for (const [worker, timer] of this.#idle) {
      clearTimeout(timer)
      this.#idle.delete(worker)
      if (worker.alive) return worker
      this.#living.delete(worker)
    }
    return undefined
  }

  #fork(): WorkerProcess {
    const { entry, env = workerEnvironment(), log = () => undefined, grace = 5_000 } = this.#options
    const worker = new WorkerProcess({ entry, env, log, grace })
    this.#living.add(worker)
    return worker
  }

  #retire(worker: WorkerProcess): void {
    this.#idle.delete(worker)
    void worker.kill().then(() => this.#living.delete(worker))
  }
}

const workerEnvironment = (): Record<string, string> => ({
  ...safeEnvironment(process.env),
  ...compileCache(),
})

/** A worker never sees a key: GRADSTR_* (a passphrase may be among them) stays here, and so do Node's own switches. */
export function safeEnvironment(env: NodeJS.ProcessEnv): Record<string, string> {
  const kept = Object.entries(env).filter(([name]) => !name.startsWith('GRADSTR_') && name !== 'NODE_OPTIONS')
  return Object.fromEntries(kept.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])))
}

const closed = (): UserError =>
  new UserError('compute/closed', {
    message: 'The program is being closed; nothing more is computed.',
    fix: 'Start it again: an open job goes on where it stopped.',
  })
