import { hash_e, hashToCurve } from '@cashu/cashu-ts'
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as curve from './curve.ts'

// noble's curves, an independent implementation, are the reference.
const { Point } = secp256k1
const secrets = fc
  .uint8Array({ minLength: 32, maxLength: 32 })
  .filter(bytes => secp256k1.utils.isValidSecretKey(bytes))
const check = (property: fc.IPropertyWithHooks<[Uint8Array, Uint8Array]>) =>
  fc.assert(property, { numRuns: 20 })
const point = (bytes: Uint8Array) => Point.fromBytes(bytes)

describe('secp256k1', () => {
  it('adds, subtracts, multiplies and derives keys as an independent implementation does', () => {
    check(
      fc.property(secrets, secrets, (a, b) => {
        fc.pre(bytesToHex(a) !== bytesToHex(b))
        const [A, B] = [curve.publicKey(a), curve.publicKey(b)]
        expect(A).toEqual(secp256k1.getPublicKey(a, true))
        expect(curve.xOnlyPublicKey(a)).toEqual(schnorr.getPublicKey(a))
        expect(curve.add(A, B)).toEqual(point(A).add(point(B)).toBytes(false))
        expect(curve.subtract(A, B)).toEqual(point(A).subtract(point(B)).toBytes(false))
        expect(curve.multiply(A, b)).toEqual(point(A).multiply(Point.Fn.fromBytes(b)).toBytes(false))
        expect(curve.multiply(A, curve.negateScalar(b))).toEqual(
          point(curve.multiply(A, b)).negate().toBytes(false),
        )
        expect(curve.multiplyBase(a)).toEqual(secp256k1.getPublicKey(a, false))
        expect(curve.readPoint(A)).toEqual(point(A).toBytes(false))
        expect(curve.compressed(curve.readPoint(A))).toEqual(A)
        expect(curve.compressed(A)).toEqual(A)
        // Either form in, the same out.
        expect(curve.add(curve.readPoint(A), B)).toEqual(curve.add(A, curve.readPoint(B)))
        expect(curve.sharedX(a, curve.xOnlyPublicKey(b))).toEqual(
          secp256k1.getSharedSecret(a, Uint8Array.of(2, ...curve.xOnlyPublicKey(b))).subarray(1),
        )
      }),
    )
  })

  it('hashes secrets to points, and points, as cashu-ts does (NUT-00, NUT-12)', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), secret => {
        const Y = hashToCurve(new TextEncoder().encode(secret))
        expect(curve.hashToCurve(secret)).toEqual(Y.toBytes(true))
        const points = [Y, Y.negate(), Point.BASE]
        expect(curve.hashPoints(points.map(p => p.toBytes(true)))).toEqual(hash_e(points))
      }),
    )
  })

  it('takes nothing malformed for a signature or a key', () => {
    const secret = new Uint8Array(32).fill(1)
    const [hash, key] = [curve.sha256('x'), curve.xOnlyPublicKey(secret)]
    const signature = curve.sign(hash, secret)
    const high = new Uint8Array(32).fill(0xff)
    // x = 5 is on no point of the curve
    const off = new Uint8Array(32).fill(0, 0, 31).fill(5, 31)
    for (const wrong of [off, high, key.subarray(1), new Uint8Array(32), new Uint8Array()]) {
      expect(curve.verify(signature, hash, wrong)).toBe(false)
      expect(() => curve.sharedX(secret, wrong)).toThrow()
      expect(curve.isPublicKey(Uint8Array.of(2, ...wrong))).toBe(false)
    }
    for (const wrong of [signature.subarray(1), new Uint8Array(64), new Uint8Array(64).fill(0xff)])
      expect(curve.verify(wrong, hash, key)).toBe(false)
    expect(curve.verify(signature, hash.subarray(1), key)).toBe(false)
    for (const wrong of [high, new Uint8Array(32), hexToBytes('01')])
      expect(() => curve.publicKey(wrong)).toThrow()
    const A = curve.publicKey(secret)
    expect(() => curve.subtract(A, A)).toThrow(RangeError)
    expect(() => curve.multiply(A, new Uint8Array(32))).toThrow(RangeError)
  })
})
