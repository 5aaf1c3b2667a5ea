export { gradients } from './autodiff.ts'
export { flopsOf } from './cost.ts'
export { withGradient } from './custom.ts'
export { ELEMENT } from './element.ts'
export { type Attributes, type Constant, Graph, liveNodes, type Node, needs } from './graph.ts'
export { loop } from './loop.ts'
export { encodeModel } from './onnx.ts'
export { accumulate } from './ops/accumulate.ts'
export { gelu, geluTanh, silu } from './ops/activation.ts'
export {
  add,
  cos,
  div,
  exp,
  log,
  mul,
  neg,
  pow,
  relu,
  sigmoid,
  sin,
  sqrt,
  sub,
  tanh,
} from './ops/arithmetic.ts'
export { causalAttention } from './ops/attention.ts'
export { cast, equal, greater, less, where } from './ops/choose.ts'
export { conv2d } from './ops/conv.ts'
export { zerosLike } from './ops/fill.ts'
export { gather, gatherElements } from './ops/gather.ts'
export { flatten, reshape, transpose } from './ops/layout.ts'
export {
  type CrossEntropyOptions,
  crossEntropy,
  mean,
  oneHot,
  squaredError,
  type Total,
} from './ops/loss.ts'
export { dense, matmul, matmulTransposed } from './ops/matmul.ts'
export { groupNorm, layerNorm, rmsNorm } from './ops/norm.ts'
export { averagePool2d, globalAveragePool, maxPool2d } from './ops/pool.ts'
export { pooledConv2d } from './ops/pooled-conv.ts'
export { reduceMax, reduceMean, reduceSumSquare } from './ops/reduce.ts'
export { type Rotation, rotary, rotationOf } from './ops/rotary.ts'
export { concat, pad, slice, split } from './ops/slice.ts'
export { logSoftmax, softmax } from './ops/softmax.ts'
export { expand, reduceSum } from './ops/sum.ts'
export { count, type Dim, type DType, fixed, type Operand, type Shape, ShapeError, Value } from './value.ts'
