import { createHash, randomBytes } from 'node:crypto'
import { openNative } from './curve/native.ts'
import { wasm } from './curve/wasm.ts'

/*
 * secp256k1 for every room, over libsecp256k1: a round of ten providers is a thousand such operations, and arithmetic in
 * JavaScript takes forty times as long. Scalars and x-only public keys (BIP-340) are 32 bytes, big-endian. Points are
 * taken in either form of SEC 1; arithmetic gives them in the 65 bytes of the longer one, since reading the shorter takes
 * a square root, a fifth of a multiplication. What travels is `compressed`.
 */
const on = openNative() ?? wasm

export const isPublicKey = (point: Uint8Array): boolean => point.length === 33 && on.isPoint(point)

/** @throws TypeError when the secret is not in [1, n) */
export const publicKey = (secret: Uint8Array): Uint8Array => on.multiplyBase(secret, true)
/** `scalar · G`. @throws TypeError when the scalar is not in [1, n) */
export const multiplyBase = (scalar: Uint8Array): Uint8Array => on.multiplyBase(scalar, false)
export const xOnlyPublicKey = (secret: Uint8Array): Uint8Array => publicKey(secret).slice(1)

/** A fresh secret key or nonce, uniform in [1, n). */
export function randomSecret(): Uint8Array {
  for (;;) {
    const secret = new Uint8Array(randomBytes(32))
    if (on.isScalar(secret)) return secret
  }
}

/** BIP-340, with fresh auxiliary randomness. @param hash  32 bytes */
export const sign = (hash: Uint8Array, secret: Uint8Array): Uint8Array =>
  on.sign(hash, secret, randomBytes(32))

/** BIP-340. False for anything that is not a signature of this hash by this x-only key, however malformed. */
export function verify(signature: Uint8Array, hash: Uint8Array, xOnly: Uint8Array): boolean {
  if (signature.length !== 64 || hash.length !== 32 || !isKnownPoint(xOnly)) return false
  try {
    return on.verify(signature, hash, xOnly)
  } catch {
    return false
  }
}

/** The x of points that signed lately: most signatures are by a few keys, and looking again costs a square root. */
const signers = new Set<string>()
const SIGNERS = 1000

function isKnownPoint(xOnly: Uint8Array): boolean {
  const name = Buffer.from(xOnly).toString('latin1')
  if (signers.has(name)) return true
  if (!isPublicKey(Uint8Array.of(2, ...xOnly))) return false
  const [oldest] = signers
  if (signers.size >= SIGNERS && oldest !== undefined) signers.delete(oldest)
  signers.add(name)
  return true
}

export const sha256 = (...parts: (Uint8Array | string)[]): Uint8Array => {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return new Uint8Array(hash.digest())
}

/** For arithmetic: 65 bytes. @throws TypeError for what is no point */
export const readPoint = (point: Uint8Array): Uint8Array => on.uncompressed(point)

/** 33 bytes. @param point  as arithmetic gives it */
export function compressed(point: Uint8Array): Uint8Array {
  if (point.length === 33) return point
  const short = point.slice(0, 33)
  short[0] = isOdd(point) ? 3 : 2
  return short
}

/** The sum. @throws TypeError for what is no point, RangeError for the point at infinity */
export const add = (a: Uint8Array, b: Uint8Array): Uint8Array => on.add(a, b)
export const subtract = (a: Uint8Array, b: Uint8Array): Uint8Array => add(a, negate(b))

/**
 * `scalar · point`, in a time that depends on the scalar: for what is public, or measured by nobody.
 * @throws TypeError, RangeError
 */
export const multiply = (point: Uint8Array, scalar: Uint8Array): Uint8Array => on.multiply(point, scalar)

/** `secret + tweak` mod n, and `point + tweak · G`: BIP-32's steps. @throws RangeError when there is no such key */
export const tweakSecret = (secret: Uint8Array, tweak: Uint8Array): Uint8Array => on.addScalars(secret, tweak)
export const tweakPoint = (point: Uint8Array, tweak: Uint8Array): Uint8Array => on.addBase(point, tweak, true)

export const negateScalar = (scalar: Uint8Array): Uint8Array => on.negateScalar(scalar)

/** Cashu's NUT-00: the point that stands for a secret, whose discrete logarithm nobody knows; 33 bytes. */
export function hashToCurve(secret: string): Uint8Array {
  const hash = sha256('Secp256k1_HashToCurve_Cashu_', secret)
  const counter = Buffer.alloc(4)
  // Every second candidate is a point.
  for (let i = 0; ; i++) {
    counter.writeUInt32LE(i)
    const point = Uint8Array.of(2, ...sha256(hash, counter))
    if (on.isPoint(point)) return point
  }
}

/** Cashu's NUT-12: the hash of a DLEQ proof, over the points' uncompressed forms in hex. */
export const hashPoints = (points: Uint8Array[]): Uint8Array =>
  sha256(...points.map(point => Buffer.from(readPoint(point)).toString('hex')))

/** ECDH: the x coordinate of `secret · P`. @param xOnly  the other's public key @throws TypeError when that is no point */
export const sharedX = (secret: Uint8Array, xOnly: Uint8Array): Uint8Array =>
  on.sharedX(secret, Uint8Array.of(2, ...xOnly))

/** Its y becomes p − y. */
function negate(point: Uint8Array): Uint8Array {
  const negated = Uint8Array.from(readPoint(point))
  const y = BigInt(`0x${Buffer.from(negated.subarray(33)).toString('hex')}`)
  negated.set(Buffer.from((fieldSize - y).toString(16).padStart(64, '0'), 'hex'), 33)
  return negated
}

const fieldSize = 2n ** 256n - 2n ** 32n - 977n
const isOdd = (point: Uint8Array): boolean => ((point.at(-1) ?? 0) & 1) === 1
