import { createHash } from 'node:crypto'
import { parentPort } from 'node:worker_threads'

/** What `hashingBeside` sends: the beginning of a shared buffer to add, or the question for the hash. */
export type HashMessage = { memory: SharedArrayBuffer; length: number } | 'digest'

const hash = createHash('sha256')

parentPort?.on('message', (message: HashMessage) => {
  if (message === 'digest') return parentPort?.postMessage(hash.digest('hex'))
  hash.update(new Uint8Array(message.memory, 0, message.length))
  parentPort?.postMessage('added')
})
