/** ONNX Runtime's execution providers that we use. TensorRT, which builds for minutes, adds nothing to CUDA here. */
export const PROVIDERS = ['cpu', 'webgpu', 'dml', 'coreml', 'cuda'] as const
export type Provider = (typeof PROVIDERS)[number]

/** Ways to train: a provider that runs our graph, or TensorFlow.js, which knows nothing of it. */
export const ENGINES = [...PROVIDERS, 'tfjs'] as const
export type EngineName = (typeof ENGINES)[number]

/** As people know them. */
export const TITLES: Readonly<Record<EngineName, string>> = {
  cpu: 'CPU',
  webgpu: 'WebGPU',
  dml: 'DirectML',
  coreml: 'CoreML',
  cuda: 'CUDA',
  tfjs: 'TensorFlow.js',
}
