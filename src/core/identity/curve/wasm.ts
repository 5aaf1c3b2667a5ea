import { randomBytes } from 'node:crypto'
import {
  isPoint,
  isPrivate,
  pointAdd,
  pointAddScalar,
  pointCompress,
  pointFromScalar,
  pointMultiply,
  privateAdd,
  privateNegate,
  privateSub,
  signSchnorr,
  verifySchnorr,
} from 'tiny-secp256k1'
import { type Arithmetic, infinity, noPoint } from './arithmetic.ts'

/**
 * libsecp256k1 in WebAssembly (tiny-secp256k1), for machines that the native one is not built for.
 *
 * It must never be given what is no point: it throws across WebAssembly's frames, whose stack is not unwound, and after
 * some three thousand times everything fails. Hence `isPoint` before each use of a point from outside.
 */
export const wasm: Arithmetic = {
  isScalar: isPrivate,
  isPoint,
  uncompressed,
  multiplyBase: (scalar, compressed) => must(pointFromScalar(scalar, compressed)),
  multiply: (point, scalar) => must(pointMultiply(uncompressed(point), scalar, false)),
  add: (a, b) => must(pointAdd(uncompressed(a), uncompressed(b), false)),
  addBase: (point, scalar, compressed) => must(pointAddScalar(uncompressed(point), scalar, compressed)),
  addScalars: (a, b) => must(privateAdd(a, b)),
  negateScalar: privateNegate,
  // The secret is split into two parts, anew each time.
  sharedX(secret, point) {
    const part = randomScalar()
    const rest = must(privateSub(secret, part))
    const [a, b] = [pointMultiply(uncompressed(point), part), pointMultiply(point, rest)]
    return must(pointAdd(must(a), must(b), false)).subarray(1, 33)
  },
  sign: signSchnorr,
  verify: (signature, hash, xOnly) => verifySchnorr(hash, xOnly, signature),
}

function uncompressed(point: Uint8Array): Uint8Array {
  if (!isPoint(point)) throw noPoint()
  return point.length === 65 ? point : pointCompress(point, false)
}

function randomScalar(): Uint8Array {
  for (;;) {
    const scalar = new Uint8Array(randomBytes(32))
    if (isPrivate(scalar)) return scalar
  }
}

function must(result: Uint8Array | null): Uint8Array {
  if (!result) throw infinity()
  return result
}
