export { initialWeights, type Parameter, parameterCount, parameters } from './parameters.ts'
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
export { type TrainingSpec, trainingSpec } from './spec.ts'
export {
  elements,
  f32,
  floats,
  type Tensor,
  type TensorData,
  type Tensors,
  type TensorType,
} from './tensor.ts'
