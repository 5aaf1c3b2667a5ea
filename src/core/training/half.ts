// IEEE 754 binary16 in Uint16Array, as safetensors' F16 holds it. Float16Array is not in every runtime we run on.

const bits = new Uint32Array(1)
const value = new Float32Array(bits.buffer)

/** Rounds to nearest, ties to even; beyond 65504 it gives ±Infinity, below 2⁻²⁵ ±0. */
export function toHalf(source: Float32Array): Uint16Array<ArrayBuffer> {
  const words = new Uint32Array(source.buffer, source.byteOffset, source.length)
  return Uint16Array.from(words, halfBits)
}

/** @param result  of the source's length, to be filled; without it, a new one */
export function fromHalf(
  source: Uint16Array,
  result = new Float32Array(source.length),
): Float32Array<ArrayBuffer> {
  const floats = decoded()
  for (let i = 0; i < source.length; i++) result[i] = floats[source[i]!]!
  return result
}

function halfBits(word: number): number {
  const sign = (word >>> 16) & 0x8000
  const magnitude = word & 0x7fffffff
  if (magnitude > 0x7f800000) return sign | 0x7e00 // NaN
  if (magnitude >= 0x477ff000) return sign | 0x7c00 // rounds to 65536 or more
  if (magnitude < 0x38800000) {
    // A subnormal half counts in 2⁻²⁴: adding 0.5 lets the FPU round to that unit.
    bits[0] = magnitude
    value[0] = value[0]! + 0.5
    return sign | (bits[0]! - 0x3f000000)
  }
  // Re-bias the exponent by 15 − 127, round half to even on the 13 bits that are dropped.
  return sign | ((magnitude - 0x38000000 + 0xfff + ((magnitude >>> 13) & 1)) >>> 13)
}

let table: Float32Array | undefined
/** All 65,536 values: a look-up is faster than the arithmetic. */
function decoded(): Float32Array {
  table ??= Float32Array.from({ length: 0x10000 }, (_, half) => {
    const sign = half & 0x8000 ? -1 : 1
    const exponent = (half >>> 10) & 0x1f
    const fraction = half & 0x3ff
    if (exponent === 0) return sign * fraction * 2 ** -24
    if (exponent === 31) return fraction ? Number.NaN : sign * Number.POSITIVE_INFINITY
    return sign * (1 + fraction / 1024) * 2 ** (exponent - 15)
  })
  return table
}
