import { ELEMENT } from '../element.ts'
import { type Binary, defineOp, type Op, type Ternary } from '../op.ts'
import { broadcast, type DType, type Value } from '../value.ts'
import { sumTo } from './sum.ts'

const comparison = (onnx: string): Binary =>
  defineOp<2>({ onnx, shape: ([a, b]) => broadcast(a.shape, b.shape), dtype: () => 'bool' })

/** `a > b`, a `bool` per element; shapes broadcast. */
export const greater = comparison('Greater')
export const less = comparison('Less')
export const equal = comparison('Equal')

/** `condition ? a : b` element by element, shapes broadcast. The condition is `bool` and has no gradient. */
export const where: Ternary = defineOp<3>({
  onnx: 'Where',
  shape: ([c, a, b]) => broadcast(broadcast(c.shape, a.shape), b.shape),
  dtype: ([_, a]) => a.dtype,
  grad: (dy, [c, a, b]) => [undefined, sumTo(a.shape, where(c, dy, 0)), sumTo(b.shape, where(c, 0, dy))],
})

/** Converts to another type. Only between floating-point types does a gradient pass. */
export const cast = (x: Value, attrs: { to: DType }): Value => (x.dtype === attrs.to ? x : castOp(x, attrs))

const castOp: Op<1, { to: DType }> = defineOp<1, { to: DType }>({
  onnx: 'Cast',
  shape: ([x]) => x.shape,
  dtype: (_, { to }) => to,
  attributes: ({ to }) => ({ to: ELEMENT[to] }),
  grad: (dy, [x]) => [isFloat(x) && isFloat(dy) ? cast(dy, { to: x.dtype }) : undefined],
})

const isFloat = (x: Value): boolean => x.dtype === 'f32' || x.dtype === 'f64'
