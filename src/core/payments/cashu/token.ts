import {
  Amount,
  type Proof as CashuProof,
  getDecodedToken,
  getEncodedToken,
  getTokenMetadata,
  normalizeMintUrl,
} from '@cashu/cashu-ts'
import type { Proof } from './types.ts'

export const toCashu = (proof: Proof): CashuProof => ({ ...proof, amount: Amount.from(proof.amount) })
const fromCashu = ({ id, amount, secret, C, dleq }: CashuProof): Proof => ({
  id,
  amount: amount.toNumber(),
  secret,
  C,
  ...(dleq?.r === undefined ? {} : { dleq: { e: dleq.e, s: dleq.s, r: dleq.r } }),
})

/** NUT-00, `cashuB…`. */
export const encodeToken = (mint: string, proofs: Proof[]): string =>
  getEncodedToken({ mint, proofs: proofs.map(toCashu), unit: 'sat' })

/** Which mint and unit a token is of, before anything else of it is believed. @throws on what is no token */
export function tokenMint(token: string): { mint: string; unit: string } {
  const { mint, unit } = getTokenMetadata(token)
  return { mint: normalizeMintUrl(mint), unit }
}

/** @throws on what is no token, and when it names a keyset that is not among `keysets` */
export function decodeToken(token: string, keysets: string[]): { proofs: Proof[]; blindedKeys: boolean } {
  const { proofs } = getDecodedToken(token, keysets)
  return { proofs: proofs.map(fromCashu), blindedKeys: proofs.some(p => p.p2pk_e !== undefined) }
}

export const mintUrl = (url: string): string => normalizeMintUrl(url)
