import type { IncomingMessage } from 'node:http'
import { CODE, MintError } from './errors.ts'
import type { Keyset, Keysets } from './keysets.ts'
import type { createQuotes } from './quotes.ts'
import { parse, requests } from './requests.ts'
import type { createTransactions } from './transactions.ts'

/** A request is never larger than a swap of 1,000 proofs of the longest secret. */
const MAX_BODY = 4 * 1024 * 1024

export type Mint = {
  keysets: Keysets
  transactions: ReturnType<typeof createTransactions>
  quotes: ReturnType<typeof createQuotes>
  pubkey: string
}

const keysOf = (keyset: Keyset) => ({
  id: keyset.id,
  unit: 'sat',
  active: keyset.active,
  input_fee_ppk: keyset.feePpk,
  keys: keyset.publicKeys,
})

/** NUT-06. */
const info = (pubkey: string) => {
  const bolt11 = [{ method: 'bolt11', unit: 'sat', min_amount: 1, max_amount: 2 ** 31 - 1 }]
  const supported = { supported: true }
  return {
    name: 'Gradstr practice mint',
    pubkey,
    version: 'gradstr-practice/1',
    description: 'Its sats are worth nothing. It listens on this machine only.',
    contact: [],
    nuts: {
      4: { methods: bolt11, disabled: false },
      5: { methods: bolt11, disabled: false },
      7: supported,
      8: supported,
      9: supported,
      10: supported,
      11: supported,
      12: supported,
    },
  }
}

/** Answers one request. @throws MintError */
export function answer(mint: Mint, method: string, path: string, body: unknown): unknown {
  const { keysets, transactions, quotes } = mint
  const [, version, ...parts] = path.split('/')
  const last = parts.at(-1) ?? ''
  if (version !== 'v1') throw new NotFound()
  if (method === 'GET') {
    if (path === '/v1/info') return info(mint.pubkey)
    if (path === '/v1/keys')
      return {
        keysets: keysets
          .list()
          .filter(k => k.active)
          .map(keysOf),
      }
    if (path === '/v1/keysets')
      return { keysets: keysets.list().map(k => ({ ...keysOf(k), keys: undefined })) }
    if (parts[0] === 'keys' && parts.length === 2) {
      const keyset = keysets.get(last)
      if (!keyset) throw new MintError(CODE.keysetUnknown, `keyset ${last.slice(0, 80)} is not known here`)
      return { keysets: [keysOf(keyset)] }
    }
    if (path === `/v1/mint/quote/bolt11/${last}`) return quotes.mintQuote(last)
    if (path === `/v1/melt/quote/bolt11/${last}`) return quotes.meltQuote(last)
    throw new NotFound()
  }
  if (method !== 'POST') throw new NotFound()
  switch (path) {
    case '/v1/swap': {
      const { inputs, outputs } = parse(requests.swap, body)
      return { signatures: transactions.swap(inputs, outputs) }
    }
    case '/v1/mint/quote/bolt11': {
      const { amount, unit, description } = parse(requests.mintQuote, body)
      return quotes.createMintQuote(amount, unit, description ?? 'Gradstr practice')
    }
    case '/v1/mint/bolt11': {
      const { quote, outputs } = parse(requests.mint, body)
      return { signatures: quotes.mint(quote, outputs) }
    }
    case '/v1/melt/quote/bolt11': {
      const { request, unit } = parse(requests.meltQuote, body)
      return quotes.createMeltQuote(request, unit)
    }
    case '/v1/melt/bolt11': {
      const { quote, inputs, outputs } = parse(requests.melt, body)
      return quotes.melt(quote, inputs, outputs ?? [])
    }
    case '/v1/checkstate':
      return { states: transactions.states(parse(requests.check, body).Ys) }
    case '/v1/restore':
      return transactions.restore(parse(requests.restore, body).outputs)
    default:
      throw new NotFound()
  }
}

export class NotFound extends Error {}

/** Reads a JSON body of bounded size. @throws MintError */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY) throw new MintError(CODE.malformed, `the body is larger than ${MAX_BODY} bytes`)
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch {
    throw new MintError(CODE.malformed, 'the body is not JSON')
  }
}
