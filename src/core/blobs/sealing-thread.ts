import { createHash, hash } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { writeWholeSync } from '../../shared/writing.ts'
import { answerRequests } from '../threads/index.ts'
import { sealChunk, tagBytes } from './chunk.ts'

interface Part {
  /** Plaintext, from the beginning of this memory on. */
  memory: SharedArrayBuffer
  length: number
}

/** What a sealing thread is asked: add to the hash of the whole, seal and write a chunk, or say the hash. */
export type SealingRequest =
  | ({ do: 'add' } & Part)
  | ({ do: 'seal'; key: Uint8Array; index: number; last: boolean; folder: string } & Part)
  | { do: 'digest' }

let whole = createHash('sha256')
let room = Buffer.alloc(0)

answerRequests<SealingRequest, string>(request => {
  if (request.do === 'digest') return digest()
  const plain = new Uint8Array(request.memory, 0, request.length)
  if (request.do === 'seal') return seal(plain, request)
  whole.update(plain)
  return ''
})

/** Of what was added since the last one: the next file begins here. */
function digest(): string {
  const done = whole.digest('hex')
  whole = createHash('sha256')
  return done
}

function seal(
  plain: Uint8Array,
  { key, index, last, folder }: Extract<SealingRequest, { do: 'seal' }>,
): string {
  const size = plain.length + tagBytes
  if (room.length < size) room = Buffer.allocUnsafeSlow(size)
  const sealed = sealChunk(key, index, last, plain, room)
  const sha256 = hash('sha256', sealed)
  const file = openSync(join(folder, sha256), 'w')
  try {
    writeWholeSync(file, sealed)
  } finally {
    closeSync(file)
  }
  return sha256
}
