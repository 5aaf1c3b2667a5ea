import { readFileSync } from 'node:fs'
import { Batches } from '../batches.ts'
import { REFERENCE } from '../benchmark.ts'
import { initialWeights } from '../parameters.ts'
import { randomData } from '../random-data.ts'
import { freshState, openRunner } from '../runner.ts'
import { type TrainRequest, train } from '../train.ts'

// Trains as the last argument says (a `TrainRequest`), and prints by how many bytes its process grew at the peak. What
// ONNX Runtime loads for any graph is not the job's: it is there already, after a model of a few parameters.

const tiny = { ...REFERENCE, model: { inputs: 4, hidden: [4], outputs: 2 }, batch: 4 } as typeof REFERENCE
const runner = await openRunner(tiny, randomData(tiny, 8), freshState(tiny, initialWeights(tiny, 1)), {})
await runner.run(new Batches(8, 4, 1).of(0, 3), 0)
await runner.close()
const before = process.memoryUsage().rss
await train(JSON.parse(process.argv.at(-1) ?? '') as TrainRequest)
process.stdout.write(`${peak() - before}`)

/** What the system says of this process; where it says nothing, what it says of it and of what it was forked from. */
function peak(): number {
  if (process.platform !== 'linux') return process.resourceUsage().maxRSS * 1024
  const [, kilobytes] = /VmHWM:\s+(\d+)/.exec(readFileSync('/proc/self/status', 'utf8')) ?? []
  return Number(kilobytes) * 1024
}
