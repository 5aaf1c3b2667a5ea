import { createHash } from 'node:crypto'
import type { Arithmetic } from './arithmetic.ts'

/** What BIP-340 needs beside hashing. */
type Needed = Pick<Arithmetic, 'multiplyBase' | 'multiply' | 'addBase' | 'addScalars' | 'negateScalar'> & {
  /** `a · b` mod n, in a time that does not depend on either. */
  multiplyScalars(a: Uint8Array, b: Uint8Array): Uint8Array
}

/** BIP-340's signatures over a library that has the curve and no Schnorr. Names are the proposal's. */
export function schnorrOver(curve: Needed): Pick<Arithmetic, 'sign' | 'verify'> {
  /** By secret: most sign often. Kept beside the secret it follows from, as long as that is kept. */
  const points = new WeakMap<Uint8Array, Uint8Array>()
  const pointOf = (secret: Uint8Array): Uint8Array => {
    const point = points.get(secret) ?? curve.multiplyBase(secret, true)
    points.set(secret, point)
    return point
  }
  /** The scalar whose point has an even y: this one, or its negative. */
  const even = (scalar: Uint8Array, point: Uint8Array) =>
    point[0] === 2 ? scalar : curve.negateScalar(scalar)

  return {
    sign(m, secret, a) {
      const P = pointOf(secret)
      const d = even(secret, P)
      const px = P.subarray(1)
      const t = auxHash(a).map((byte, i) => byte ^ (d[i] ?? 0))
      const k0 = modN(nonceHash(t, px, m))
      const R = curve.multiplyBase(k0, true)
      const rx = R.subarray(1)
      const e = modN(challengeHash(rx, px, m))
      const signature = new Uint8Array(64)
      signature.set(rx)
      signature.set(curve.addScalars(curve.multiplyScalars(d, e), even(k0, R)), 32)
      return signature
    },

    verify(signature, m, px) {
      const [rx, s] = [signature.subarray(0, 32), signature.subarray(32)]
      const e = modN(challengeHash(rx, px, m))
      const eP = curve.multiply(Uint8Array.of(2, ...px), curve.negateScalar(e))
      const R = curve.addBase(eP, s, true)
      return R[0] === 2 && Buffer.compare(R.subarray(1), rx) === 0
    },
  }
}

/** BIP-340's hash of this tag: SHA-256(SHA-256(tag) || SHA-256(tag) || parts), its beginning computed once. */
function tagged(tag: string): (...parts: Uint8Array[]) => Uint8Array {
  const name = createHash('sha256').update(tag).digest()
  const begun = createHash('sha256').update(name).update(name)
  return (...parts) => {
    const hash = begun.copy()
    for (const part of parts) hash.update(part)
    return hash.digest()
  }
}
const auxHash = tagged('BIP0340/aux')
const nonceHash = tagged('BIP0340/nonce')
const challengeHash = tagged('BIP0340/challenge')

const order = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n
const orderBytes = Buffer.from(order.toString(16), 'hex')

/** One hash in 2^128 is beyond n. */
function modN(bytes: Uint8Array): Uint8Array {
  if (Buffer.compare(bytes, orderBytes) < 0) return bytes
  const rest = BigInt(`0x${Buffer.from(bytes).toString('hex')}`) - order
  return Buffer.from(rest.toString(16).padStart(64, '0'), 'hex')
}
