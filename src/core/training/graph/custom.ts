import type { Value } from './value.ts'

/**
 * Gives `y`, which other operations computed from `operands`, a gradient of its own: the differentiator goes from `y`
 * straight to the operands and never looks at the steps between. For formulas whose gradient is shorter than that of
 * their steps, e.g. a softmax in front of a product.
 * @param gradient  `dy` → the gradient of each operand
 */
export function withGradient(
  y: Value,
  operands: readonly Value[],
  gradient: (dy: Value) => (Value | undefined)[],
): Value {
  const { producer } = y
  if (!producer?.op) throw new TypeError(`"${y.name}" was not computed by an operation`)
  const definition = { ...producer.op.definition, grad: (dy: Value) => gradient(dy) }
  producer.op = { definition, attrs: producer.op.attrs, operands }
  return y
}
