import {
  Amount,
  hasValidDleq as cashuHasValidDleq,
  createBlindSignature,
  createDLEQProof,
  createNewMintKeys,
  pointFromHex,
  serializeMintKeys,
} from '@cashu/cashu-ts'
import { bytesToHex } from '@noble/hashes/utils.js'
import { describe, expect, it } from 'vitest'
import { derivedOutput, hasValidDleq, isSignedBy, pubkeyOf, signSecret, unblind } from './blinding.ts'

// The mint here is cashu-ts's own, and its judgement on our proofs is the reference.
const made = createNewMintKeys(4, undefined, { input_fee_ppk: 100 })
const keyset = {
  id: made.keysetId,
  active: true,
  feePpk: 100,
  expiry: undefined,
  keys: serializeMintKeys(made.pubKeys),
}
const seed = new Uint8Array(64).fill(7)
const output = derivedOutput(seed, keyset.id, 3, 4)
const sign = (amount: number) => {
  const key = made.privKeys[amount] ?? new Uint8Array(32)
  const B = pointFromHex(output.B_)
  const { e, s } = createDLEQProof(B, key)
  const C_ = createBlindSignature(B, key, keyset.id).C_.toHex(true)
  return { id: keyset.id, amount: 4, C_, dleq: { e: bytesToHex(e), s: bytesToHex(s) } }
}

describe('unblinding', () => {
  it('gives a proof that cashu-ts finds valid, and that is valid to whoever receives it', () => {
    const proof = unblind(output, sign(4), keyset)
    expect(cashuHasValidDleq({ ...proof, amount: Amount.from(4) }, keyset, { require: true })).toBe(true)
    expect(hasValidDleq(proof, keyset)).toBe(true)
  })

  it('refuses a signature by the key of another amount, and a proof of another secret', () => {
    expect(() => unblind(output, sign(2), keyset)).toThrow(/DLEQ/)
    const proof = unblind(output, sign(4), keyset)
    expect(hasValidDleq({ ...proof, secret: 'other' }, keyset)).toBe(false)
    expect(hasValidDleq({ ...proof, amount: 8 }, keyset)).toBe(false)
    const { dleq: _, ...bare } = proof
    expect(hasValidDleq(bare, keyset)).toBe(false)
  })

  it('derives the same output from the same counter and another one from the next (NUT-13)', () => {
    expect(derivedOutput(seed, keyset.id, 3, 4)).toEqual(output)
    expect(derivedOutput(seed, keyset.id, 4, 4).secret).not.toBe(output.secret)
  })
})

describe('signing a secret', () => {
  it('is valid for that key and that secret alone', () => {
    const [mine, other] = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]
    const signature = signSecret('secret', mine)
    expect(isSignedBy('secret', signature, pubkeyOf(mine))).toBe(true)
    expect(isSignedBy('secret', signature, pubkeyOf(other))).toBe(false)
    expect(isSignedBy('another', signature, pubkeyOf(mine))).toBe(false)
    expect(isSignedBy('secret', 'nonsense', pubkeyOf(mine))).toBe(false)
  })
})
