import { oddTasks } from './client.test-tasks.ts'
import { computeClient } from './client.ts'

// A host with a worker at work, at the task that it is told; client.test.ts ends it, or has it end itself.
process.once('message', () => process.exit())
const client = computeClient(oddTasks, { entry: new URL('./client.test-worker.ts', import.meta.url) })
const task = process.argv[2] === 'deaf' ? 'deaf' : 'patient'
await client.run(task, {}, { onProgress: ({ pid }) => process.send?.(pid) })
