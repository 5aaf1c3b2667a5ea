import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { HashMessage } from './hash-thread.ts'

/** An incremental SHA-256. Its parts must stay as they are until `update` has resolved; one at a time. */
export interface Hashing {
  /** Memory for parts that this hash can read. */
  memory(size: number): Buffer
  update(part: Buffer): Promise<void>
  /** Hex. */
  digest(): Promise<string>
  stop(): Promise<void>
}

export function hashingHere(): Hashing {
  const hash = createHash('sha256')
  return {
    memory: size => Buffer.allocUnsafe(size),
    update: async part => void hash.update(part),
    digest: async () => hash.digest('hex'),
    stop: async () => {},
  }
}

/** The same in a thread of its own, so that encryption need not wait. Takes about 50 ms to start. */
export function hashingBeside(): Hashing {
  const thread = new Worker(new URL('./hash-thread.ts', import.meta.url))
  const ask = async (message: HashMessage): Promise<unknown> => {
    // Rejects when the thread fails.
    const answer = once(thread, 'message')
    thread.postMessage(message)
    const [value] = await answer
    return value
  }
  return {
    memory: size => Buffer.from(new SharedArrayBuffer(size)),
    // `memory` made the part's buffer, and the part begins where it begins.
    update: async part =>
      void (await ask({ memory: part.buffer as unknown as SharedArrayBuffer, length: part.length })),
    digest: async () => `${await ask('digest')}`,
    stop: async () => void (await thread.terminate()),
  }
}
