import { createHash } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import type { Memory } from '../../shared/memory.ts'
import type { HashMessage } from './hash-thread.ts'

/** An incremental SHA-256. */
export interface Hashing {
  /** How many parts it may be behind; each must stay as it is until its `update` has resolved. */
  readonly behind: number
  /** Memory for parts that this hash can read. */
  memory(size: number): Buffer
  update(part: Buffer): Promise<void>
  /** Hex. */
  digest(): Promise<string>
  stop(): Promise<void>
}

export function hashingHere(memory: Memory): Hashing {
  const hash = createHash('sha256')
  const lent: Buffer[] = []
  return {
    behind: 0,
    memory(size) {
      const buffer = memory.lend(size)
      lent.push(buffer)
      return buffer
    },
    update: async part => void hash.update(part),
    digest: async () => hash.digest('hex'),
    stop: async () => lent.splice(0).forEach(memory.takeBack),
  }
}

/** The same in a thread of its own, so that encryption need not wait for it. */
export function hashingBeside(): Hashing {
  const thread = new Worker(new URL('./hash-thread.ts', import.meta.url))
  const waiting: { resolve(answer: string): void; reject(error: unknown): void }[] = []
  thread.on('message', answer => waiting.shift()?.resolve(answer))
  const fail = (error: unknown) => {
    for (const { reject } of waiting.splice(0)) reject(error)
  }
  thread.on('error', fail)
  thread.on('exit', code => fail(new Error(`the hashing thread ended (${code})`)))
  const ask = (message: HashMessage) =>
    new Promise<string>((resolve, reject) => {
      waiting.push({ resolve, reject })
      thread.postMessage(message)
    })
  return {
    // As many chunks as are encrypted while the thread starts, so that nobody waits for that either.
    behind: 12,
    memory: size => Buffer.from(new SharedArrayBuffer(size)),
    // `memory` made the part's buffer, and the part begins where it begins.
    update: async part =>
      void (await ask({ memory: part.buffer as unknown as SharedArrayBuffer, length: part.length })),
    digest: () => ask('digest'),
    stop: async () => void (await thread.terminate()),
  }
}
