import { createP2PKsecret, deriveSecretAndBlindingFactor, parseSecret } from '@cashu/cashu-ts'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { curve } from '../../identity/index.ts'
import { MintDishonest } from '../mint-errors.ts'
import type { LockTerms } from '../types.ts'
import type { KeysetInfo, Output, Proof, Signature } from './types.ts'

/** NUT-00: `B′ = Y + r·G`. */
const outputOf = (id: string, amount: number, secret: string, r: Uint8Array): Output => ({
  id,
  amount,
  B_: pointHex(curve.add(hexToBytes(yOf(secret)), curve.multiplyBase(r))),
  secret,
  r: bytesToHex(r),
})

/** NUT-13. */
export function derivedOutput(seed: Uint8Array, keyset: string, counter: number, amount: number): Output {
  const { secret, blindingFactor } = deriveSecretAndBlindingFactor(seed, keyset, counter)
  return outputOf(keyset, amount, bytesToHex(secret), blindingFactor)
}

/** NUT-11: 2 of 2 until the locktime, the refund key after it, SIG_INPUTS. Its secret is random. */
export function lockedOutput(terms: LockTerms, keyset: string, amount: number): Output {
  const secret = createP2PKsecret(terms.provider, [
    ['locktime', String(terms.locktime)],
    ['pubkeys', terms.customer],
    ['n_sigs', '2'],
    ['refund', terms.refund],
  ])
  return outputOf(keyset, amount, secret, curve.randomSecret())
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
    const [A, B, C] = [keyPoint(key), readPoint(output.B_), readPoint(signature.C_)]
    if (!verifyDleq(dleq, A, B, C))
      throw new MintDishonest('a DLEQ proof is wrong: the signature is not by its key')
    return {
      id: output.id,
      amount: output.amount,
      secret: output.secret,
      // Not in constant time: nothing is sent after this, so the mint has nothing to measure.
      C: pointHex(curve.subtract(C, curve.multiply(A, hexToBytes(output.r)))),
      dleq: { e: dleq.e, s: dleq.s, r: output.r },
    }
  } catch (error) {
    throw error instanceof MintDishonest ? error : new MintDishonest('a signature is not readable', error)
  }
}

/** NUT-12: `e = hash(s·G − e·A, s·B′ − e·C′, A, C′)`. Every number here is public. */
function verifyDleq(dleq: { e: string; s: string }, A: Uint8Array, B: Uint8Array, C: Uint8Array): boolean {
  const s = hexToBytes(dleq.s)
  const minusE = curve.negateScalar(hexToBytes(dleq.e))
  const R1 = curve.add(curve.multiplyBase(s), curve.multiply(A, minusE))
  const R2 = curve.add(curve.multiply(B, s), curve.multiply(C, minusE))
  return bytesToHex(curve.hashPoints([R1, R2, A, C])) === dleq.e
}

/** NUT-12, for a proof that came from someone else: signed by the mint's key, without asking the mint. */
export function hasValidDleq(proof: Proof, keyset: KeysetInfo): boolean {
  const key = keyset.keys[String(proof.amount)]
  if (!key || !proof.dleq) return false
  try {
    const [A, r] = [keyPoint(key), hexToBytes(proof.dleq.r)]
    const B = curve.add(hexToBytes(yOf(proof.secret)), curve.multiplyBase(r))
    const C = curve.add(hexToBytes(proof.C), curve.multiply(A, r))
    return verifyDleq(proof.dleq, A, B, C)
  } catch {
    return false
  }
}

/** The name by which a mint knows a proof (NUT-07). */
export const yOf = remembering(1000, secret => pointHex(curve.hashToCurve(secret)))

const pointHex = (point: Uint8Array): string => bytesToHex(curve.compressed(point))
const readPoint = (hex: string): Uint8Array => curve.readPoint(hexToBytes(hex))

/** A mint's keys: there are a few dozen, and every proof is under one of them. */
const keyPoint = remembering(500, readPoint)

/**
 * NUT-11, SIG_INPUTS: the signature is over the secret alone. signP2PKProofs of cashu-ts is not used: it silently signs
 * nothing when this machine's clock says that the path is not open.
 */
export const signSecret = (secret: string, key: Uint8Array): string =>
  bytesToHex(curve.sign(curve.sha256(secret), key))
export const isSignedBy = (secret: string, signature: string, pubkey: string): boolean =>
  /^[0-9a-f]{128}$/i.test(signature) &&
  curve.verify(hexToBytes(signature), curve.sha256(secret), hexToBytes(pubkey).subarray(-32))
export const witnessOf = (signatures: string[]): string => JSON.stringify({ signatures })
export const pubkeyOf = (key: Uint8Array): string => bytesToHex(curve.publicKey(key))

/** NUT-10's kind, data and tags of a secret, or undefined when it is a plain one. */
export function readSecret(secret: string): { kind: string; data: string; tags: string[][] } | undefined {
  try {
    const [kind, { data, tags }] = parseSecret(secret)
    return { kind, data, tags: tags ?? [] }
  } catch {
    return undefined
  }
}

/** The same function, its last answers kept: a proof's are asked for at every step of its life. */
function remembering<T>(most: number, derive: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>()
  return text => {
    const answer = known.get(text) ?? derive(text)
    known.delete(text)
    known.set(text, answer)
    const [oldest] = known.keys()
    if (known.size > most && oldest !== undefined) known.delete(oldest)
    return answer
  }
}
