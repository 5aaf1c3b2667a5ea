/** The adapter: this and the files in cashu/ are the only ones that know cashu-ts. */
export {
  derivedOutput,
  hasValidDleq,
  isSignedBy,
  lockedOutput,
  pubkeyOf,
  readSecret,
  signSecret,
  unblind,
  witnessOf,
  yOf,
} from './cashu/blinding.ts'
export { type MintClient, mintClient } from './cashu/client.ts'
export { decodeToken, encodeToken, mintUrl, tokenMint } from './cashu/token.ts'
export type { KeysetInfo, MeltQuote, MintQuote, Output, Proof, ProofState, Signature } from './cashu/types.ts'
