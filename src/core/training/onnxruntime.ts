import { createRequire } from 'node:module'
import type * as OnnxRuntime from 'onnxruntime-node'

// ONNX Runtime 1.30 reports to its maker from Linux and macOS unless this is set before it is loaded
// (microsoft/onnxruntime pull 27379). Nobody is told what is trained here. So it is loaded here and nowhere else.
process.env.ORT_DISABLE_TELEMETRY = '1'

/** The engine. A `require` runs after the line above; an `import` would run before it. */
export const ort = createRequire(import.meta.url)('onnxruntime-node') as typeof OnnxRuntime
export type { InferenceSession, Tensor } from 'onnxruntime-node'
