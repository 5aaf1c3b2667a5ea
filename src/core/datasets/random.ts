/**
 * Seeded numbers in [0, 1), 32 bits each (sfc32 of PractRand): which row goes to which shard must be the same on every
 * machine. Not for secrets.
 */
export function randomFrom(seed: number): () => number {
  let a = seed >>> 0
  let b = Math.floor(seed / 0x1_0000_0000) >>> 0
  let c = 0x9e3779b9
  let counter = 1
  const next = () => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (((c << 21) | (c >>> 11)) + t) | 0
    return (t >>> 0) / 0x1_0000_0000
  }
  for (let i = 0; i < 16; i++) next()
  return next
}
