import { encodeModel, openSession, trainingGraph } from '../../src/core/training/index.ts'
import { configurations } from '../engine/configurations.ts'

// Once a process: what is compiled on the way would make a second time faster.
const [model = ''] = process.argv.slice(2)
const { spec, batches } = configurations[model] ?? {}
if (!spec || !batches?.[0]) throw new Error(`no configuration "${model}"`)
const cpu = process.cpuUsage()
const began = performance.now()
const graph = trainingGraph(spec(batches[0]))
const built = performance.now()
const file = encodeModel(graph)
const encoded = performance.now()
const session = await openSession(file)
const opened = performance.now()
const { user, system } = process.cpuUsage(cpu)
await session.release()
process.stdout.write(
  JSON.stringify({
    graph: built - began,
    file: encoded - built,
    session: opened - encoded,
    ready: opened - began,
    cpu: (user + system) / 1000,
  }),
)
