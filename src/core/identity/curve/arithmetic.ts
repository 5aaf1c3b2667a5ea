/**
 * What a library of secp256k1 does for `curve.ts`. Scalars and the x of points (BIP-340) are 32 bytes, big-endian; points
 * are taken in either form of SEC 1 and given in 65 bytes, where nothing else is said.
 */
export interface Arithmetic {
  /** In [1, n). */
  isScalar(scalar: Uint8Array): boolean
  /** On the curve, in either form. */
  isPoint(point: Uint8Array): boolean
  /** In 65 bytes. */
  uncompressed(point: Uint8Array): Uint8Array
  /** `scalar · G`, in a time that does not depend on the scalar. @throws TypeError when it is not in [1, n) */
  multiplyBase(scalar: Uint8Array, compressed: boolean): Uint8Array
  /** `scalar · point`, in a time that does. @throws TypeError, RangeError for the point at infinity */
  multiply(point: Uint8Array, scalar: Uint8Array): Uint8Array
  /** @throws TypeError, RangeError for the point at infinity */
  add(a: Uint8Array, b: Uint8Array): Uint8Array
  /** `point + scalar · G`. @throws TypeError, RangeError for the point at infinity */
  addBase(point: Uint8Array, scalar: Uint8Array, compressed: boolean): Uint8Array
  /** `a + b` mod n. @throws RangeError for 0 */
  addScalars(a: Uint8Array, b: Uint8Array): Uint8Array
  negateScalar(scalar: Uint8Array): Uint8Array
  /** ECDH: the x of `secret · point`, in a time that tells nothing of the secret. @throws TypeError */
  sharedX(secret: Uint8Array, point: Uint8Array): Uint8Array
  /** BIP-340. @param random  32 bytes, fresh */
  sign(hash: Uint8Array, secret: Uint8Array, random: Uint8Array): Uint8Array
  /** BIP-340. @param xOnly  of a point on the curve; a signature may be anything of 64 bytes */
  verify(signature: Uint8Array, hash: Uint8Array, xOnly: Uint8Array): boolean
}

export const infinity = (): RangeError => new RangeError('the result is the point at infinity')
export const noPoint = (): TypeError => new TypeError('not a point of the curve')
export const noScalar = (): TypeError => new TypeError('not a scalar in [1, n)')
