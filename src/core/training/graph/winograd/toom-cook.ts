/** A matrix as a list of its rows. */
export type Matrix = readonly (readonly number[])[]

/**
 * The matrices of the minimal filtering algorithm F(m, r): `m` neighbouring results of a convolution with a kernel of
 * `r` points out of `n = m + r − 1` inputs and as many products, `y = output · ((kernel · g) ∘ (input · d))`. Winograd
 * 1980, Lavin and Gray 2016 (arXiv 1509.09308), by Toom and Cook's interpolation at given points and infinity.
 */
export interface Filtering {
  /** `[m, n]` */
  output: Matrix
  /** `[n, r]` */
  kernel: Matrix
  /** `[n, n]` */
  input: Matrix
}

/**
 * Small numbers and their inverses keep rounding errors low (Barabasz et al. 2020, arXiv 1803.10986): with these, results
 * of eight points in single precision are off by about 1e-6 of the largest.
 */
const POINTS = [0, 1, -1, 2, -2, 1 / 2, -1 / 2, 4, -4, 1 / 4, -1 / 4]

/** @param m  results  @param r  points of the kernel; `m + r ≤ 13` */
export function filtering(m: number, r: number): Filtering {
  const n = m + r - 1
  const points = POINTS.slice(0, n - 1)
  if (points.length < n - 1) throw new RangeError(`F(${m}, ${r}) needs ${n - 1} points`)
  const others = (point: number) => points.filter(other => other !== point)
  const powers = (point: number, length: number) => range(length).map(k => point ** k)
  return {
    output: range(m).map(i => [...points.map(point => point ** i), i === m - 1 ? 1 : 0]),
    kernel: [
      ...points.map(point => {
        const scale = others(point).reduce((product, other) => product * (point - other), 1)
        return powers(point, r).map(power => power / scale)
      }),
      range(r).map(k => (k === r - 1 ? 1 : 0)),
    ],
    input: [...points.map(point => [...withRoots(others(point)), 0]), withRoots(points)],
  }
}

/** Coefficients, lowest power first, of the polynomial `Π (x − root)`. */
function withRoots(roots: readonly number[]): number[] {
  let polynomial = [1]
  for (const root of roots)
    polynomial = range(polynomial.length + 1).map(i => (polynomial[i - 1] ?? 0) - root * (polynomial[i] ?? 0))
  return polynomial
}

/** Kronecker product: what does `a` along the rows of a picture and `b` along its columns. */
export const kronecker = (a: Matrix, b: Matrix): number[][] =>
  a.flatMap(rowA => b.map(rowB => rowA.flatMap(x => rowB.map(y => x * y))))

export const range = (length: number): number[] => Array.from({ length }, (_, i) => i)
