import { oddTasks } from './client.test-tasks.ts'
import { computeClient } from './client.ts'

// A host with a worker at work; client.test.ts kills it.
const client = computeClient(oddTasks, { entry: new URL('./client.test-worker.ts', import.meta.url) })
await client.run('patient', {}, { onProgress: ({ pid }) => process.send?.(pid) })
