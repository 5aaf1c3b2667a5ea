import { createHash, hash } from 'node:crypto'
import { availableParallelism } from 'node:os'
import type { Memory } from '../../shared/memory.ts'
import { spareThreads } from '../threads/index.ts'
import { sealChunk, tagBytes } from './chunk.ts'
import type { SealingRequest } from './sealing-thread.ts'
import type { Snapshot } from './snapshot.ts'

/** A chunk's place in its blob. */
export interface Place {
  index: number
  last: boolean
}

/** Where the chunks of one file are hashed and sealed. */
export interface Sealing {
  /** Chunks that it is worth to have under way at the same time. */
  readonly width: number
  /** Memory for a chunk's plaintext, used until `stop`. Parts begin where it begins, and are not touched before they were answered. */
  memory(size: number): Buffer
  /** Adds plaintext to the hash of the whole: in the order of the file. */
  add(part: Buffer): Promise<void>
  /**
   * Encrypts a chunk that was added, perhaps in place, and keeps it in the snapshot.
   * @returns its SHA-256, hex
   */
  seal(part: Buffer, place: Place): Promise<string>
  /** SHA-256 of all plaintext that was added, hex. */
  digest(): Promise<string>
  stop(): Promise<void>
}

interface SealingOptions {
  key: Uint8Array
  into: Snapshot
  memory: Memory
}

/** From this size on, threads save more than they cost. */
const worthThreads = 64 * 1024 * 1024
/** The hash of the whole is one sequence: three threads keep up with it, a fourth would wait. */
const mostThreads = 3

/** @param size  of the file, in bytes */
export async function sealingFor(size: number, options: SealingOptions): Promise<Sealing> {
  const threads = Math.min(mostThreads, availableParallelism())
  const folder = size < worthThreads || threads < 2 ? undefined : await options.into.folder?.()
  return folder === undefined ? sealingHere(options) : sealingBeside(options.key, folder, threads)
}

export function sealingHere({ key, into, memory }: SealingOptions): Sealing {
  const whole = createHash('sha256')
  const lent: Buffer[] = []
  return {
    // While one chunk is encrypted, others are read and written.
    width: 3,
    memory(size) {
      const room = memory.lend(size + tagBytes)
      lent.push(room)
      return room
    },
    add: async part => void whole.update(part),
    async seal(part, { index, last }) {
      const size = part.length + tagBytes
      const room = into.room?.(size) ?? Buffer.from(part.buffer, part.byteOffset, size)
      const sealed = sealChunk(key, index, last, part, room)
      const sha256 = hash('sha256', sealed)
      await into.keep(sha256, sealed)
      return sha256
    },
    digest: async () => whole.digest('hex'),
    stop: async () => lent.splice(0).forEach(memory.takeBack),
  }
}

/** What a thread has to do, in units of hashing a chunk: encryption takes about as long again, and writing. */
const cost = { add: 1, seal: 2.5, digest: 0 }

const spare = spareThreads<SealingRequest, string>(
  new URL('./sealing-thread.ts', import.meta.url),
  mostThreads,
)

/** The same in threads: the first hashes the whole, and all seal, whoever has least to do. */
export function sealingBeside(key: Uint8Array, folder: string, count: number): Sealing {
  const threads = Array.from({ length: count }, sealer)
  const first = threads[0]
  if (!first) throw new RangeError('sealing beside takes a thread')
  let finished = false
  return {
    width: 2 * count + 2,
    memory: size => Buffer.from(new SharedArrayBuffer(size)),
    add: async part => void (await first.ask({ do: 'add', ...shared(part) })),
    seal: (part, place) => {
      const idlest = threads.reduce((a, b) => (b.load < a.load ? b : a))
      return idlest.ask({ do: 'seal', ...shared(part), key, folder, ...place })
    },
    async digest() {
      const sha256 = await first.ask({ do: 'digest' })
      finished = true
      return sha256
    },
    // One that was left in the middle of a file would begin the next one with it.
    stop: async () => void (await Promise.all(threads.map(({ leave }) => leave(finished)))),
  }
}

// `memory` made the part's buffer, and the part begins where it begins.
const shared = (part: Buffer) => ({
  memory: part.buffer as unknown as SharedArrayBuffer,
  length: part.length,
})

function sealer() {
  const thread = spare.take()
  const me = {
    load: 0,
    async ask(request: SealingRequest): Promise<string> {
      me.load += cost[request.do]
      try {
        return await thread.ask(request)
      } finally {
        me.load -= cost[request.do]
      }
    },
    leave: async (idle: boolean) => (idle ? spare.keep(thread) : thread.stop()),
  }
  return me
}
