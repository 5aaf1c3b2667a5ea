import { benchmark } from '../../src/core/training/index.ts'
import { configurations } from './configurations.ts'

// One session, one process: several slow each other.
const [model = '', batch = '', threads = ''] = process.argv.slice(2)
const configuration = configurations[model]
if (!configuration) throw new Error(`no configuration "${model}"`)
const { secondsPerStep } = await benchmark({
  spec: configuration.spec(Number(batch)),
  milliseconds: 2000,
  threads: Number(threads),
})
const peak = Math.round(process.resourceUsage().maxRSS / 1024)
process.stdout.write(`${JSON.stringify({ ms_per_step: secondsPerStep * 1000, peak_rss_mb: peak })}\n`)
