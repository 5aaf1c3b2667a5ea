/**
 * A seeded generator (xoshiro128**, Blackman and Vigna 2018) whose stream is the same on every machine: batches and
 * initial weights must be replayable by somebody else. Not for secrets.
 */
export interface Random {
  /** A whole number in [0, 2^32). */
  uint32(): number
  /** A number in [0, 1) with 24 bits, what a float32 holds exactly. */
  float(): number
  /** A whole number in [0, n), without bias; n ≤ 2^32. */
  below(n: number): number
}

/** @param seeds  whole numbers up to 2^53, e.g. a seed and an epoch; each combination gives its own stream */
export function seeded(...seeds: number[]): Random {
  const mix = splitmix(seeds)
  let [a, b, c, d] = [mix(), mix(), mix(), mix()]
  const uint32 = () => {
    const result = Math.imul(rotate(Math.imul(b, 5), 7), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotate(d, 11)
    return result
  }
  return {
    uint32,
    float: () => (uint32() >>> 8) / 0x1000000,
    below(n) {
      // Values of the last, incomplete run of n would favour small results.
      const limit = 0x1_0000_0000 - (0x1_0000_0000 % n)
      for (;;) {
        const value = uint32()
        if (value < limit) return value % n
      }
    },
  }
}

const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k))

/** Spreads the seeds over 32-bit words (splitmix32, its state fed with both halves of each seed). */
function splitmix(seeds: number[]): () => number {
  let state = 0
  const next = () => {
    state = (state + 0x9e3779b9) | 0
    let z = state
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad)
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97)
    return z ^ (z >>> 15)
  }
  for (const seed of seeds)
    for (const word of [seed >>> 0, Math.floor(seed / 0x1_0000_0000) >>> 0]) state = (next() ^ word) | 0
  return next
}
