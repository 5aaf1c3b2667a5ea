import { encode, sign } from 'bolt11'
import { decode } from 'light-bolt11-decoder'
import { CODE, MintError } from './errors.ts'

const REGTEST = { bech32: 'bcrt', pubKeyHash: 0x6f, scriptHash: 0xc4, validWitnessVersions: [0, 1] }
const FEATURES = {
  word_length: 4,
  var_onion_optin: { required: false, supported: true },
  payment_secret: { required: false, supported: true },
}

/** A BOLT-11 invoice of Bitcoin's regtest network: real in form, and worthless. */
export function createInvoice(invoice: {
  amount: number
  paymentHash: string
  description: string
  /** Unix seconds, and seconds from then. */
  timestamp: number
  expiry: number
  nodeKey: string
}): string {
  const unsigned = encode(
    {
      network: REGTEST,
      satoshis: invoice.amount,
      timestamp: invoice.timestamp,
      tags: [
        { tagName: 'payment_hash', data: invoice.paymentHash },
        { tagName: 'description', data: invoice.description },
        { tagName: 'payment_secret', data: invoice.paymentHash },
        { tagName: 'feature_bits', data: FEATURES },
        { tagName: 'expire_time', data: invoice.expiry },
        { tagName: 'min_final_cltv_expiry', data: 18 },
      ],
    },
    false,
  )
  const request = sign(unsigned, invoice.nodeKey).paymentRequest
  if (!request) throw new Error('bolt11 signed no invoice')
  return request
}

/** @throws MintError for what is no practice invoice with an amount in whole sats */
export function readInvoice(request: string): { amount: number; paymentHash: string; expires: number } {
  if (!request.startsWith('lnbcrt'))
    throw new MintError(CODE.paymentFailed, 'a practice mint pays practice invoices (lnbcrt…) only')
  let decoded: ReturnType<typeof decode>
  try {
    decoded = decode(request)
  } catch (error) {
    throw new MintError(
      CODE.paymentFailed,
      `not a BOLT-11 invoice: ${error instanceof Error ? error.message : 'unreadable'}`,
    )
  }
  let msat: number | undefined
  let paymentHash: string | undefined
  let created = 0
  for (const section of decoded.sections) {
    if (section.name === 'amount') msat = Number(section.value)
    if (section.name === 'payment_hash') paymentHash = section.value
    if (section.name === 'timestamp') created = section.value
  }
  if (!msat) throw new MintError(CODE.amountless, 'the invoice names no amount')
  if (!paymentHash) throw new MintError(CODE.paymentFailed, 'the invoice has no payment hash')
  return { amount: Math.ceil(msat / 1000), paymentHash, expires: created + (decoded.expiry || 3600) }
}
