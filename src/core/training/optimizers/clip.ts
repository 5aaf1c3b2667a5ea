import { add, div, less, mul, reduceSumSquare, sqrt, type Value, where } from '../graph/index.ts'

/**
 * Scales gradients down together so that their common norm is at most `longest` (Pascanu et al. 2013, arXiv 1211.5063),
 * as PyTorch's `clip_grad_norm_`.
 */
export function clipped(gradients: readonly Value[], longest: number): Value[] {
  const squares = gradients.map(g => reduceSumSquare(g))
  const norm = sqrt(squares.reduceRight((sum, square) => add(sum, square)))
  const scale = div(longest, add(norm, 1e-6))
  const factor = where(less(scale, 1), scale, 1)
  return gradients.map(g => mul(g, factor))
}
