import type { Transferable } from 'node:worker_threads'
import { answerRequests } from '../../threads/index.ts'
import { type PartRequest, type ReadPart, readPart } from './part.ts'

answerRequests<PartRequest, ReadPart | undefined>(readPart, memoryOf)

function memoryOf(part: ReadPart | undefined): Transferable[] {
  const columns = part?.columns.filter(column => column !== undefined) ?? []
  return columns.flatMap(({ blocks, listed }) => [
    ...blocks.map(({ buffer }) => buffer as ArrayBuffer), // made in this thread, shared with nobody
    ...(listed ? [listed.bytes.buffer, listed.ends.buffer, listed.hashes.buffer] : []),
  ])
}
