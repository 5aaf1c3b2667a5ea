import { createRequire } from 'node:module'
import { type Arithmetic, infinity, noPoint, noScalar } from './arithmetic.ts'
import { schnorrOver } from './schnorr.ts'

/** The part of secp256k1-node that is used. All throw Error where libsecp256k1 refuses; tweaks of a private key are in place. */
interface Binding {
  privateKeyVerify(secret: Uint8Array): boolean
  privateKeyNegate(secret: Uint8Array): Uint8Array
  privateKeyTweakAdd(secret: Uint8Array, tweak: Uint8Array): Uint8Array
  privateKeyTweakMul(secret: Uint8Array, tweak: Uint8Array): Uint8Array
  publicKeyVerify(point: Uint8Array): boolean
  publicKeyCreate(secret: Uint8Array, compressed: boolean): Uint8Array
  publicKeyConvert(point: Uint8Array, compressed: boolean): Uint8Array
  publicKeyCombine(points: Uint8Array[], compressed: boolean): Uint8Array
  publicKeyTweakAdd(point: Uint8Array, tweak: Uint8Array, compressed: boolean): Uint8Array
  publicKeyTweakMul(point: Uint8Array, tweak: Uint8Array, compressed: boolean): Uint8Array
  ecdh(
    point: Uint8Array,
    secret: Uint8Array,
    options: { hashfn: (x: Uint8Array) => Uint8Array },
    output: Uint8Array,
  ): Uint8Array
}

/**
 * libsecp256k1 as the machine's own code (secp256k1-node, prebuilt for Linux, macOS and Windows), four times as fast as in
 * WebAssembly; undefined where it is not built for this machine. Its Schnorr is ours, over its arithmetic.
 */
export function openNative(): Arithmetic | undefined {
  let binding: Binding
  try {
    // Not the package's door: that gives arithmetic in JavaScript where there is no native one.
    binding = createRequire(import.meta.url)('secp256k1/bindings') as Binding
  } catch {
    return undefined
  }
  const isPoint = (point: Uint8Array) =>
    (point.length === 33 || point.length === 65) && binding.publicKeyVerify(point)
  const isScalar = (scalar: Uint8Array) => scalar.length === 32 && binding.privateKeyVerify(scalar)
  /** Why libsecp256k1 refused is looked for only when it did. */
  const explained = (points: Uint8Array[], scalar: Uint8Array | undefined, work: () => Uint8Array) => {
    try {
      return work()
    } catch {
      if (!points.every(isPoint)) throw noPoint()
      throw scalar?.some(byte => byte > 0) && !isScalar(scalar) ? noScalar() : infinity()
    }
  }
  const arithmetic = {
    isScalar,
    isPoint,
    uncompressed: (point: Uint8Array) =>
      explained([point], undefined, () => binding.publicKeyConvert(point, false)),
    multiplyBase(scalar: Uint8Array, compressed: boolean) {
      if (!isScalar(scalar)) throw noScalar()
      return binding.publicKeyCreate(scalar, compressed)
    },
    multiply: (point: Uint8Array, scalar: Uint8Array) =>
      explained([point], scalar, () => binding.publicKeyTweakMul(point, scalar, false)),
    add: (a: Uint8Array, b: Uint8Array) =>
      explained([a, b], undefined, () => binding.publicKeyCombine([a, b], false)),
    addBase: (point: Uint8Array, scalar: Uint8Array, compressed: boolean) =>
      explained([point], scalar, () => binding.publicKeyTweakAdd(point, scalar, compressed)),
    addScalars: (a: Uint8Array, b: Uint8Array) =>
      explained([], undefined, () => binding.privateKeyTweakAdd(Uint8Array.from(a), b)),
    multiplyScalars: (a: Uint8Array, b: Uint8Array) =>
      explained([], undefined, () => binding.privateKeyTweakMul(Uint8Array.from(a), b)),
    negateScalar: (scalar: Uint8Array) => binding.privateKeyNegate(Uint8Array.from(scalar)),
    sharedX: (secret: Uint8Array, point: Uint8Array) =>
      explained([point], secret, () => binding.ecdh(point, secret, { hashfn: x => x }, new Uint8Array(32))),
  }
  return { ...arithmetic, ...schnorrOver(arithmetic) }
}
