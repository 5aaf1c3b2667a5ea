import { enableCompileCache } from 'node:module'
import envPaths from 'env-paths'

// Saves a third of the start: compiled modules are kept from one command to the next. In the user's own folder: the
// system's temporary one, Node's default, could be prepared by somebody else on this machine.
enableCompileCache(envPaths('gradstr', { suffix: '' }).cache)
// ONNX Runtime 1.30 reports to its maker from Linux and macOS unless this is set before it starts (microsoft/onnxruntime
// pull 27379). Nobody is told what is trained here; workers inherit it.
process.env.ORT_DISABLE_TELEMETRY = '1'
const { run } = await import('./run.ts')
process.exit(await run(process))
