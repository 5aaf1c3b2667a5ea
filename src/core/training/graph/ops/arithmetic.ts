import { type Binary, defineOp, type Unary } from '../op.ts'
import { broadcast, type Shape, type Value } from '../value.ts'
import { cast, greater, where } from './choose.ts'
import { sumTo } from './sum.ts'

type Pair = [Value, Value]
const together = ([a, b]: Pair): Shape => broadcast(a.shape, b.shape)
const same = ([x]: [Value]): Shape => x.shape
/** Gradients of broadcast operands, each summed back to its operand's shape. */
const back = ([a, b]: Pair, da: Value, db: Value): Value[] => [sumTo(a.shape, da), sumTo(b.shape, db)]

/** `a + b`, shapes broadcast as in NumPy. */
export const add: Binary = defineOp<2>({
  onnx: 'Add',
  shape: together,
  grad: (dy, operands) => back(operands, dy, dy),
})

/** `a − b`, shapes broadcast. */
export const sub: Binary = defineOp<2>({
  onnx: 'Sub',
  shape: together,
  grad: (dy, operands) => back(operands, dy, neg(dy)),
})

/** `a · b` element by element, shapes broadcast. */
export const mul: Binary = defineOp<2>({
  onnx: 'Mul',
  shape: together,
  grad: (dy, [a, b]) => back([a, b], mul(dy, b), mul(dy, a)),
})

/**
 * Takes a product with a number apart, `x · c` → `[x, c]`, for operations that scale by the way; any other value is
 * `[x, 1]`.
 */
export function unscaled(value: Value): [x: Value, factor: number] {
  const { producer } = value
  if (producer?.type !== 'Mul' || producer.op?.operands) return [value, 1]
  const [x, factor] = producer.inputs
  const number = factor?.shape.length === 0 ? factor.graph.constants.get(factor)?.data[0] : undefined
  return x && typeof number === 'number' ? [x, number] : [value, 1]
}

/** `a / b` element by element, shapes broadcast. */
export const div: Binary = defineOp<2>({
  onnx: 'Div',
  shape: together,
  grad: (dy, [a, b], { y }) => back([a, b], div(dy, b), neg(div(mul(dy, y), b))),
})

/** `a ^ b`, shapes broadcast. Where `a ≤ 0` the exponent's gradient is taken as zero. */
export const pow: Binary = defineOp<2>({
  onnx: 'Pow',
  shape: together,
  grad: (dy, [a, b], { y }) => {
    const da = mul(dy, mul(b, pow(a, sub(b, 1))))
    const logarithm = log(where(greater(a, 0), a, 1))
    return back([a, b], da, mul(dy, mul(y, logarithm)))
  },
})

export const neg: Unary = defineOp<1>({ onnx: 'Neg', shape: same, grad: dy => [neg(dy)] })

export const exp: Unary = defineOp<1>({ onnx: 'Exp', shape: same, grad: (dy, _, { y }) => [mul(dy, y)] })

export const log: Unary = defineOp<1>({ onnx: 'Log', shape: same, grad: (dy, [x]) => [div(dy, x)] })

export const sqrt: Unary = defineOp<1>({
  onnx: 'Sqrt',
  shape: same,
  grad: (dy, _, { y }) => [div(mul(dy, 0.5), y)],
})

/** `max(x, 0)`; the gradient at 0 is 0. */
export const relu: Unary = defineOp<1>({
  onnx: 'Relu',
  shape: same,
  grad: (dy, _, { y }) => [mul(dy, cast(greater(y, 0), { to: dy.dtype }))],
})

/** `1 / (1 + e^−x)` */
export const sigmoid: Unary = defineOp<1>({
  onnx: 'Sigmoid',
  shape: same,
  grad: (dy, _, { y }) => [mul(dy, mul(y, sub(1, y)))],
})

export const tanh: Unary = defineOp<1>({
  onnx: 'Tanh',
  shape: same,
  grad: (dy, _, { y }) => [mul(dy, sub(1, mul(y, y)))],
})

export const cos: Unary = defineOp<1>({
  onnx: 'Cos',
  shape: same,
  grad: (dy, [x]) => [neg(mul(dy, sin(x)))],
})

export const sin: Unary = defineOp<1>({ onnx: 'Sin', shape: same, grad: (dy, [x]) => [mul(dy, cos(x))] })
