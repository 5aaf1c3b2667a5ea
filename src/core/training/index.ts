export { narrowed, readBase } from './base.ts'
export { permutation } from './batches.ts'
export { type Benchmark, type BenchmarkOptions, benchmark } from './benchmark.ts'
export { flopsPerStep } from './cost.ts'
export { type Data, readData } from './data.ts'
export { ENGINES, type EngineName, TITLES } from './engine.ts'
export {
  type Choice,
  chooseEngine,
  type Engine,
  engines,
  type Probed,
  type SelfTest,
  selfTest,
} from './engines/index.ts'
export { type Evaluator, evaluator, type Losses } from './evaluator.ts'
export type { Fallback } from './fallback.ts'
export { type FitProgress, type FitRequest, type FitResult, fitModel, type Validation } from './fit.ts'
export { constantWeights, forward, inputType } from './forward.ts'
export {
  fitsOneFile,
  type GenerateRequest,
  generate,
  languageModelFile,
  Reader,
  type ReaderOptions,
  type SamplingOptions,
  samplingOptions,
} from './generate/index.ts'
export {
  type Attributes,
  add,
  type Constant,
  cast,
  type Dim,
  type DType,
  div,
  encodeModel,
  equal,
  exp,
  Graph,
  gather,
  greater,
  less,
  log,
  matmul,
  mul,
  neg,
  oneHot,
  reduceMax,
  reduceMean,
  reduceSum,
  reshape,
  type Shape,
  softmax,
  sub,
  transpose,
  Value,
  where,
} from './graph/index.ts'
export { fromHalf, toHalf } from './half.ts'
export type { Augment } from './layers/augment.ts'
export { PRECISIONS, type Precision } from './layers/frozen.ts'
export type { AdapterConfig } from './layers/lora.ts'
export { microBatchFor, type Room, RUNTIME, type TrainingMemory, trainingMemory } from './memory/index.ts'
export { mergeAdapter } from './merge.ts'
export { type ClassificationMetrics, metrics, type RegressionMetrics } from './metrics.ts'
export { MCMAHAN } from './models/cnn.ts'
export { type Architecture, modelOf, type TextArchitecture } from './models/index.ts'
export { ort } from './onnxruntime.ts'
export { LONGEST_CALL } from './pace.ts'
export { initialWeights, type Parameter, parameterCount, parameters } from './parameters.ts'
export { checkPretrained, readPretrained } from './pretrained.ts'
export { seeded } from './random.ts'
export {
  type Comparison,
  compareWork,
  progressionOf,
  REPLAY_TOLERANCE,
  type Replayed,
  type ReplayRequest,
  replay,
} from './replay.ts'
export {
  type Header,
  openSafetensors,
  readHeader,
  readSafetensors,
  type SafetensorsFile,
  type TensorInfo,
  type TensorSource,
  type WrittenFile,
  writeSafetensors,
} from './safetensors/index.ts'
export { type Feeds, openSession, runSession, type Session, type SessionOptions } from './session.ts'
export {
  blockOf,
  type JobSpec,
  jobSpec,
  type LanguageSpec,
  RECIPES,
  type RowsSpec,
  rowOf,
  rowsSpec,
  type SpecOf,
  type TrainingSpec,
  trainingSpec,
} from './spec.ts'
export { trainingGraph } from './step.ts'
export {
  elements,
  f32,
  floats,
  type Tensor,
  type TensorData,
  type Tensors,
  type TensorType,
} from './tensor.ts'
export { type TrainProgress, type TrainRequest, type TrainResult, train } from './train.ts'
export { checkWeights, readWeights } from './weights.ts'
