import { randomBytes } from 'node:crypto'
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { openNative } from './native.ts'
import { wasm } from './wasm.ts'

const native = openNative()
const prebuilt = ['linux x64', 'darwin arm64', 'win32 x64']

it('is the machine’s own code where it is built for this machine', () => {
  expect(native !== undefined).toBe(prebuilt.includes(`${process.platform} ${process.arch}`))
})

// noble's curves, an independent implementation, are the reference for both.
const { Point } = secp256k1
const order = secp256k1.Point.Fn.ORDER
const bytesOf = (n: bigint) => hexToBytes(n.toString(16).padStart(64, '0'))
const bytes32 = fc.uint8Array({ minLength: 32, maxLength: 32 })
const secrets = bytes32.filter(bytes => secp256k1.utils.isValidSecretKey(bytes))
const off = new Uint8Array(32).fill(0, 0, 31).fill(5, 31) // x = 5 is on no point of the curve

describe.each(Object.entries({ wasm, ...(native ? { native } : {}) }))('secp256k1, %s', (_, curve) => {
  it('adds, multiplies and agrees on keys as an independent implementation does', () => {
    fc.assert(
      fc.property(secrets, secrets, (a, b) => {
        fc.pre(bytesToHex(a) !== bytesToHex(b))
        const [A, B] = [
          Point.fromBytes(curve.multiplyBase(a, true)),
          Point.fromBytes(curve.multiplyBase(b, true)),
        ]
        expect(curve.multiplyBase(a, false)).toEqual(secp256k1.getPublicKey(a, false))
        for (const form of [true, false]) {
          const [P, Q] = [A.toBytes(form), B.toBytes(!form)]
          expect(curve.isPoint(P)).toBe(true)
          expect(curve.uncompressed(P)).toEqual(A.toBytes(false))
          expect(curve.add(P, Q)).toEqual(A.add(B).toBytes(false))
          expect(curve.multiply(P, b)).toEqual(A.multiply(Point.Fn.fromBytes(b)).toBytes(false))
          expect(curve.addBase(P, b, form)).toEqual(A.add(B).toBytes(form))
          expect(curve.sharedX(b, P)).toEqual(secp256k1.getSharedSecret(b, P).subarray(1))
        }
        const { Fn } = Point
        expect(curve.addScalars(a, b)).toEqual(Fn.toBytes(Fn.add(Fn.fromBytes(a), Fn.fromBytes(b))))
        expect(Uint8Array.from(curve.negateScalar(a))).toEqual(Fn.toBytes(Fn.neg(Fn.fromBytes(a))))
      }),
      { numRuns: 20 },
    )
  })

  it('signs as an independent implementation does, bit by bit, and leaves the secret as it was', () => {
    fc.assert(
      fc.property(secrets, bytes32, bytes32, (secret, hash, random) => {
        const before = bytesToHex(secret)
        const signature = bytesToHex(curve.sign(hash, secret, random))
        expect(signature).toBe(bytesToHex(schnorr.sign(hash, secret, random)))
        expect(bytesToHex(curve.sign(hash, secret, random))).toBe(signature)
        expect(bytesToHex(secret)).toBe(before)
      }),
      { numRuns: 20 },
    )
  })

  it('takes the signatures that an independent implementation takes, and no others', () => {
    const flip = (bytes: Uint8Array, bit: number) =>
      bytes.map((byte, i) => (i === bit >> 3 ? byte ^ (1 << (bit & 7)) : byte))
    fc.assert(
      fc.property(secrets, bytes32, fc.nat(511), (secret, hash, bit) => {
        const key = schnorr.getPublicKey(secret)
        const right = schnorr.sign(hash, secret)
        const [r, s] = [right.slice(0, 32), right.slice(32)]
        const { Fn, Fp } = Point
        const wrong = [
          flip(right, bit),
          // of the point with the odd y
          Uint8Array.of(...r, ...Fn.toBytes(Fn.neg(Fn.fromBytes(s)))),
          Uint8Array.of(...r, ...new Uint8Array(32)),
          Uint8Array.of(...r, ...bytesOf(order)),
          Uint8Array.of(...bytesOf(Fp.ORDER), ...s),
          Uint8Array.of(...off, ...s),
          new Uint8Array(64),
          new Uint8Array(64).fill(0xff),
        ]
        const verdict = (signature: Uint8Array, message: Uint8Array) => {
          try {
            return curve.verify(signature, message, key)
          } catch {
            return false
          }
        }
        expect(verdict(right, hash)).toBe(true)
        expect(verdict(right, flip(hash, bit >> 1))).toBe(false)
        for (const signature of wrong) expect(verdict(signature, hash)).toBe(false)
      }),
      { numRuns: 20 },
    )
  })

  it('refuses what is no scalar or no point, and the point at infinity', () => {
    const one = bytesOf(1n)
    const G = Point.BASE.toBytes(true)
    const noScalars = [bytesOf(0n), bytesOf(order), new Uint8Array(32).fill(0xff), hexToBytes('01')]
    for (const scalar of noScalars) {
      expect(curve.isScalar(scalar)).toBe(false)
      expect(() => curve.multiplyBase(scalar, true)).toThrow(TypeError)
    }
    for (const scalar of noScalars.slice(1, 3)) expect(() => curve.multiply(G, scalar)).toThrow(TypeError)
    for (const point of [
      Uint8Array.of(2, ...off),
      Uint8Array.of(4, ...off, ...off),
      Uint8Array.of(5, ...one),
      one,
    ]) {
      expect(curve.isPoint(point)).toBe(false)
      expect(() => curve.uncompressed(point)).toThrow(TypeError)
      expect(() => curve.multiply(point, one)).toThrow(TypeError)
      expect(() => curve.add(point, G)).toThrow(TypeError)
      expect(() => curve.add(G, point)).toThrow(TypeError)
      expect(() => curve.addBase(point, one, true)).toThrow(TypeError)
      expect(() => curve.sharedX(one, point)).toThrow(TypeError)
    }
    expect(() => curve.multiply(G, bytesOf(0n))).toThrow(RangeError)
    expect(() => curve.add(G, Point.BASE.negate().toBytes(true))).toThrow(RangeError)
    expect(() => curve.addBase(G, bytesOf(order - 1n), true)).toThrow(RangeError)
    expect(() => curve.addScalars(one, bytesOf(order - 1n))).toThrow(RangeError)
  })

  it('is not worn out by what is no point, however often it comes', () => {
    const secret = new Uint8Array(randomBytes(32)).fill(1, 0, 1)
    const signature = curve.sign(off, secret, off)
    const wrong = [Uint8Array.of(2, ...off), Uint8Array.of(4, ...off, ...off)]
    // Unguarded, the one in WebAssembly fails after some three thousand.
    for (let i = 0; i < 4000; i++)
      for (const point of wrong) expect(() => curve.multiply(point, secret)).toThrow(TypeError)
    expect(curve.verify(signature, off, schnorr.getPublicKey(secret))).toBe(true)
  })
})
