import { type ChildProcess, fork } from 'node:child_process'
import { errorFrom, UserError } from '../../shared/errors.ts'
import type { FromWorker, ToWorker } from './messages.ts'
import { standstill } from './standstill.ts'

interface WorkerOptions {
  entry: URL | string
  env: Record<string, string>
  /** A line of a worker's stderr, or what happened to it. */
  log: (line: string) => void
  /** From the stop message to the kill, in milliseconds. */
  grace: number
}

interface Call {
  id: number
  task: string
  resolve: (value: unknown) => void
  reject: (error: unknown) => void
  onProgress: (value: unknown) => void
  cancelled: boolean
  killer?: NodeJS.Timeout
}

interface CallOptions {
  onProgress: (value: unknown) => void
  signal?: AbortSignal | undefined
  /** From the stop message until it must have been heard, in milliseconds; 0 kills at once. The grace when left out. */
  hears?: number | undefined
}

/** One forked worker: takes one call at a time, and is of no use any more once it has died. */
export class WorkerProcess {
  readonly #child: ChildProcess
  readonly #options: WorkerOptions
  /** Resolves when the process is no more and the system has its memory back. */
  readonly gone: Promise<void>
  #calls = 0
  #current: Call | undefined
  #alive = true
  #lastWords = ''

  constructor(options: WorkerOptions) {
    this.#options = options
    // 'advanced': structured clone; JSON would turn NaN into null on the way.
    this.#child = fork(options.entry, [], {
      env: options.env,
      execArgv: [],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    this.#child.on('message', message => this.#receive(message as FromWorker)) // our own worker.ts is the only sender
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#hear(text))
    this.gone = new Promise(resolve => {
      // 'close', not 'exit': its last words have been heard by then.
      this.#child.on('close', (code, signal) => {
        this.#end(signal ? `signal ${signal}` : `exit code ${code}`)
        resolve()
      })
      this.#child.on('error', error => {
        this.#end(error.message)
        // A process that never started is never closed.
        if (this.#child.pid === undefined) resolve()
      })
    })
    // A host that ends at once takes it along: native code would keep it at work beside whatever is started next.
    const end = () => this.#child.kill('SIGKILL')
    process.once('exit', end)
    void this.gone.then(() => process.off('exit', end))
  }

  /** Whether it may be called: not when it has been killed, though it is not gone yet. */
  get alive(): boolean {
    return this.#alive && !this.#child.killed
  }

  get pid(): number | undefined {
    return this.#child.pid
  }

  /**
   * Runs one task. Aborting `signal` stops it: by message, then by SIGKILL when it has not heard, or has not ended within the
   * grace after it heard. When it rejects, the task does nothing more.
   */
  async call(task: string, input: unknown, { onProgress, signal, hears }: CallOptions): Promise<unknown> {
    if (this.#current) throw new Error('a worker takes one call at a time')
    const answer = new Promise<unknown>((resolve, reject) => {
      this.#current = { id: ++this.#calls, task, resolve, reject, onProgress, cancelled: false }
    })
    const call = this.#current!
    this.#send({ type: 'run', call: call.id, task, input })
    const stop = () => {
      call.cancelled = true
      if (hears === 0) return void this.kill()
      this.#send({ type: 'stop', call: call.id })
      this.#killAfter(call, hears ?? this.#options.grace)
    }
    if (signal?.aborted) stop()
    else signal?.addEventListener('abort', stop, { once: true })
    try {
      return await answer
    } finally {
      clearTimeout(call.killer)
      signal?.removeEventListener('abort', stop)
    }
  }

  /** Ends the process now; resolves once it can do nothing more, which is before it is `gone` where it has much memory. */
  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await (this.pid === undefined ? this.gone : standstill(this.pid, this.gone))
    this.#end('signal SIGKILL')
  }

  #killAfter(call: Call, milliseconds: number): void {
    clearTimeout(call.killer)
    call.killer = setTimeout(() => this.kill(), milliseconds)
  }

  #send(message: ToWorker): void {
    // A dead worker's 'close' ends the call; an error of this message would say the same less clearly.
    if (this.#child.connected) this.#child.send(message, () => undefined)
  }

  #receive(message: FromWorker): void {
    const call = this.#current
    if (!call || message.call !== call.id) return
    if (message.type === 'progress') {
      this.#tell(call, message.value)
      return
    }
    if (message.type === 'stopping') {
      this.#killAfter(call, this.#options.grace)
      return
    }
    this.#current = undefined
    if (call.cancelled) call.reject(cancelled(call.task))
    else if (message.type === 'success') call.resolve(message.value)
    else call.reject(errorFrom(message.error))
  }

  /** A listener that throws ends its call, not the program. */
  #tell(call: Call, value: unknown): void {
    try {
      call.onProgress(value)
    } catch (error) {
      this.#current = undefined
      call.reject(error)
      void this.kill()
    }
  }

  #hear(text: string): void {
    for (const line of text.split('\n')) {
      if (!line.trim()) continue
      if (!/error|fatal|memory/i.test(this.#lastWords)) this.#lastWords = line.trim().slice(0, 300)
      this.#options.log(line)
    }
  }

  #end(how: string): void {
    if (!this.#alive) return
    this.#alive = false
    const call = this.#current
    this.#current = undefined
    if (!call) return
    if (!call.cancelled) this.#options.log(`worker ${this.pid ?? ''} ended during "${call.task}": ${how}`)
    call.reject(call.cancelled ? cancelled(call.task) : died(call.task, how, this.#lastWords))
  }
}

export const cancelled = (task: string): UserError =>
  new UserError('compute/cancelled', {
    message: `"${task}" was stopped before it was done.`,
    fix: 'Start it again to go on; what it had saved is kept.',
  })

const died = (task: string, how: string, lastWords: string): UserError =>
  new UserError('compute/worker-died', {
    message: `The compute process ended in the middle of "${task}" (${how})${lastWords ? `: ${lastWords}` : '.'}`,
    fix: 'Try again. If it happens again, close other programs to free memory, or choose a smaller model or batch.',
  })
