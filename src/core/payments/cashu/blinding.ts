import {
  hash_e,
  hashToCurve,
  OutputData,
  type OutputDataLike,
  P2PKBuilder,
  parseSecret,
  pointFromHex,
  schnorrSignMessage,
  schnorrVerifyMessage,
} from '@cashu/cashu-ts'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { MintDishonest } from '../mint-errors.ts'
import type { LockTerms } from '../types.ts'
import type { KeysetInfo, Output, Proof, Signature } from './types.ts'

const outputOf = (data: OutputDataLike): Output => ({
  id: data.blindedMessage.id,
  amount: data.blindedMessage.amount.toNumber(),
  B_: data.blindedMessage.B_,
  secret: new TextDecoder().decode(data.secret),
  r: data.blindingFactor.toString(16).padStart(64, '0'),
})

/** NUT-13. */
export const derivedOutput = (seed: Uint8Array, keyset: string, counter: number, amount: number): Output =>
  outputOf(OutputData.createSingleDeterministicData(amount, seed, counter, keyset))

/** NUT-11: 2 of 2 until the locktime, the refund key after it, SIG_INPUTS. Its secret is random. */
export function lockedOutput(terms: LockTerms, keyset: string, amount: number): Output {
  const options = new P2PKBuilder()
    .addLockPubkey([terms.provider, terms.customer])
    .requireLockSignatures(2)
    .addRefundPubkey(terms.refund)
    .lockUntil(terms.locktime)
    .toOptions()
  return outputOf(OutputData.createSingleP2PKData(options, amount, keyset))
}

/**
 * The proof in a mint's answer.
 * @throws MintDishonest when the signature is for another amount or key, or its DLEQ proof is missing or wrong
 */
export function unblind(output: Output, signature: Signature, keyset: KeysetInfo): Proof {
  if (signature.id !== output.id || signature.amount !== output.amount)
    throw new MintDishonest(
      `it signed ${signature.amount} sat of ${signature.id}, not ${output.amount} of ${output.id}`,
    )
  const key = keyset.keys[String(output.amount)]
  if (!key) throw new MintDishonest(`keyset ${keyset.id} has no key for ${output.amount}`)
  const { dleq } = signature
  if (!dleq) throw new MintDishonest('a signature came without its DLEQ proof (NUT-12)')
  try {
    const [A, B, C] = [pointFromHex(key), pointFromHex(output.B_), pointFromHex(signature.C_)]
    if (!verifyDleq(dleq, A, B, C))
      throw new MintDishonest('a DLEQ proof is wrong: the signature is not by its key')
    const r = BigInt(`0x${output.r}`)
    return {
      id: output.id,
      amount: output.amount,
      secret: output.secret,
      // Not in constant time: nothing is sent after this, so the mint has nothing to measure.
      C: C.subtract(A.multiplyUnsafe(r)).toHex(true),
      dleq: { e: dleq.e, s: dleq.s, r: output.r },
    }
  } catch (error) {
    throw error instanceof MintDishonest ? error : new MintDishonest('a signature is not readable', error)
  }
}

type Point = ReturnType<typeof pointFromHex>

/**
 * NUT-12: `e = hash(s·G − e·A, s·B′ − e·C′, A, C′)`. cashu-ts's own check multiplies in constant time; every number here
 * is public, and this is three times as fast.
 */
function verifyDleq(dleq: { e: string; s: string }, A: Point, B: Point, C: Point): boolean {
  const { Fn, BASE } = secp256k1.Point
  const [e, s] = [Fn.fromBytes(hexToBytes(dleq.e)), Fn.fromBytes(hexToBytes(dleq.s))]
  const minusE = Fn.neg(e)
  const hash = hash_e([BASE.mulAddUnsafe(s, A, minusE), B.mulAddUnsafe(s, C, minusE), A, C])
  return bytesToHex(hash) === dleq.e
}

/** NUT-12, for a proof that came from someone else: signed by the mint's key, without asking the mint. */
export function hasValidDleq(proof: Proof, keyset: KeysetInfo): boolean {
  const key = keyset.keys[String(proof.amount)]
  if (!key || !proof.dleq) return false
  try {
    const A = pointFromHex(key)
    const r = secp256k1.Point.Fn.fromBytes(hexToBytes(proof.dleq.r))
    const B = hashToCurve(utf8ToBytes(proof.secret)).add(secp256k1.Point.BASE.multiplyUnsafe(r))
    const C = pointFromHex(proof.C).add(A.multiplyUnsafe(r))
    return verifyDleq(proof.dleq, A, B, C)
  } catch {
    return false
  }
}

/** The name by which a mint knows a proof (NUT-07). */
export const yOf = (secret: string): string => hashToCurve(utf8ToBytes(secret)).toHex(true)

/**
 * NUT-11, SIG_INPUTS: the signature is over the secret alone. signP2PKProofs of cashu-ts is not used: it silently signs
 * nothing when this machine's clock says that the path is not open.
 */
export const signSecret = (secret: string, key: Uint8Array): string => schnorrSignMessage(secret, key)
export const isSignedBy = (secret: string, signature: string, pubkey: string): boolean =>
  schnorrVerifyMessage(signature, secret, pubkey)
export const witnessOf = (signatures: string[]): string => JSON.stringify({ signatures })
export const pubkeyOf = (key: Uint8Array): string => bytesToHex(secp256k1.getPublicKey(key, true))

/** NUT-10's kind, data and tags of a secret, or undefined when it is a plain one. */
export function readSecret(secret: string): { kind: string; data: string; tags: string[][] } | undefined {
  try {
    const [kind, { data, tags }] = parseSecret(secret)
    return { kind, data, tags: tags ?? [] }
  } catch {
    return undefined
  }
}
