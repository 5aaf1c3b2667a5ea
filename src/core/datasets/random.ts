/**
 * Seeded numbers in [0, 1), 32 bits each (sfc32 of PractRand): which row goes to which shard must be the same on every
 * machine. Not for secrets.
 */
export function randomFrom(seed: number): () => number {
  // In an array: of variables of a closure, each new value above 2^30 would be an object.
  const state = Int32Array.of(seed, Math.floor(seed / 0x1_0000_0000), 0x9e3779b9, 1)
  const next = () => {
    const a = state[0]!
    const b = state[1]!
    const c = state[2]!
    const t = (a + b + state[3]!++) | 0
    state[0] = b ^ (b >>> 9)
    state[1] = c + (c << 3)
    state[2] = ((c << 21) | (c >>> 11)) + t
    return (t >>> 0) / 0x1_0000_0000
  }
  for (let i = 0; i < 16; i++) next()
  return next
}
