import { serve, tasks } from '../core/compute/index.ts'
import { handlers } from './handlers/index.ts'

// The entry of a compute process: answers calls from the host that forked it. No network, no keys, no money.
serve(tasks, handlers, process)
