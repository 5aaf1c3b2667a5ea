/** Plain data as the wallet keeps it: amounts are numbers of sats, everything is JSON. */

/** NUT-00, with the DLEQ proof of NUT-12 and the witness of NUT-11. */
export type Proof = {
  id: string
  amount: number
  secret: string
  C: string
  dleq?: { e: string; s: string; r: string }
  witness?: string
}

/** A blinded message with what is needed to unblind the mint's answer, so that it can be stored before it leaves. */
export type Output = { id: string; amount: number; B_: string; secret: string; r: string }

export type Signature = { id: string; amount: number; C_: string; dleq?: { e: string; s: string } }

export type KeysetInfo = {
  id: string
  active: boolean
  feePpk: number
  expiry: number | undefined
  /** Public keys by amount. */
  keys: Record<string, string>
}

export type ProofState = 'UNSPENT' | 'PENDING' | 'SPENT'

export type MintQuote = {
  id: string
  request: string
  amount: number
  state: 'UNPAID' | 'PAID' | 'ISSUED'
  expiry: number
}
export type MeltQuote = {
  id: string
  amount: number
  reserve: number
  state: 'UNPAID' | 'PENDING' | 'PAID'
  expiry: number
  preimage: string | undefined
  change: Signature[]
}
