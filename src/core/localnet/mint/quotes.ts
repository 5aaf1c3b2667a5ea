import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex, randomBytes } from '@noble/hashes/utils.js'
import type { Database } from '../../store/index.ts'
import { CODE, MintError } from './errors.ts'
import { createInvoice, readInvoice } from './invoices.ts'
import type { Keysets, Signature } from './keysets.ts'
import type { Input, Output } from './requests.ts'
import type { createTransactions } from './transactions.ts'

/** Seconds an invoice can be paid. */
const EXPIRY = 3600

type MintQuote = {
  id: string
  amount: number
  request: string
  payment_hash: string
  preimage: string
  state: 'UNPAID' | 'PAID' | 'ISSUED'
  created_ms: number
  expiry: number
}
type MeltQuote = {
  id: string
  amount: number
  fee_reserve: number
  request: string
  payment_hash: string
  state: 'UNPAID' | 'PAID'
  preimage: string | null
  change: string | null
  expiry: number
}

const sum = (items: { amount: number }[]) => items.reduce((total, { amount }) => total + amount, 0)

/**
 * Lightning as it is played here: a quote's invoice pays itself `payAfterMs` after it was made (never, when null), and
 * a melt pays any practice invoice. An invoice of one of this mint's own unpaid quotes pays that quote, so that two
 * wallets can pay each other.
 */
export function createQuotes(options: {
  db: Database
  keysets: Keysets
  transactions: ReturnType<typeof createTransactions>
  payAfterMs: number | null
  now: () => number
}) {
  const { db, keysets, transactions, payAfterMs, now } = options
  const nodeKey = bytesToHex(randomBytes(32))
  const seconds = () => Math.floor(now() / 1000)

  function markPaid(quote: MintQuote): void {
    db.prepare("update mint_quote set state = 'PAID' where id = ?").run(quote.id)
    db.prepare("insert into lightning (direction, amount, quote) values ('in', ?, ?)").run(
      quote.amount,
      quote.id,
    )
  }

  function mintQuote(id: string): MintQuote {
    const read = () => db.prepare<MintQuote>('select * from mint_quote where id = ?').get(id)
    const quote = read()
    if (!quote) throw new MintError(CODE.quoteUnknown, 'this mint has no such quote')
    if (quote.state !== 'UNPAID' || payAfterMs === null || now() < quote.created_ms + payAfterMs) return quote
    db.transaction(() => markPaid(quote))
    return { ...quote, state: 'PAID' }
  }

  const mintView = (q: MintQuote) => ({
    quote: q.id,
    request: q.request,
    amount: q.amount,
    unit: 'sat',
    state: q.state,
    expiry: q.expiry,
    amount_paid: q.state === 'UNPAID' ? 0 : q.amount,
    amount_issued: q.state === 'ISSUED' ? q.amount : 0,
  })

  function meltQuote(id: string): MeltQuote {
    const quote = db.prepare<MeltQuote>('select * from melt_quote where id = ?').get(id)
    if (!quote) throw new MintError(CODE.quoteUnknown, 'this mint has no such quote')
    return quote
  }

  const meltView = (q: MeltQuote) => ({
    quote: q.id,
    request: q.request,
    amount: q.amount,
    unit: 'sat',
    fee_reserve: q.fee_reserve,
    state: q.state,
    expiry: q.expiry,
    payment_preimage: q.preimage,
    ...(q.change === null ? {} : { change: JSON.parse(q.change) as Signature[] }),
  })

  return {
    /** NUT-04, NUT-23. */
    createMintQuote(amount: number, unit: string, description: string) {
      if (unit !== 'sat') throw new MintError(CODE.unitUnsupported, `unit ${unit} is not supported, only sat`)
      const preimage = randomBytes(32)
      const paymentHash = bytesToHex(sha256(preimage))
      const id = bytesToHex(randomBytes(16))
      const created = seconds()
      const request = createInvoice({
        amount,
        paymentHash,
        description,
        timestamp: created,
        expiry: EXPIRY,
        nodeKey,
      })
      db.prepare(
        `insert into mint_quote (id, amount, request, payment_hash, preimage, state, created_ms, expiry)
         values (?, ?, ?, ?, ?, 'UNPAID', ?, ?)`,
      ).run(id, amount, request, paymentHash, bytesToHex(preimage), Math.floor(now()), created + EXPIRY)
      return mintView(mintQuote(id))
    },

    mintQuote: (id: string) => mintView(mintQuote(id)),

    mint(id: string, outputs: Output[]): Signature[] {
      transactions.checkOutputs(outputs)
      const quote = mintQuote(id)
      if (quote.state === 'UNPAID') throw new MintError(CODE.quoteUnpaid, 'the quote is not paid')
      if (quote.state === 'ISSUED') throw new MintError(CODE.quoteIssued, 'the quote is already issued')
      if (sum(outputs) !== quote.amount)
        throw new MintError(
          CODE.unbalanced,
          `outputs (${sum(outputs)}) are not the quote's amount (${quote.amount})`,
        )
      const signed = transactions.sign(outputs)
      db.transaction(() => {
        const { changes } = db
          .prepare("update mint_quote set state = 'ISSUED' where id = ? and state = 'PAID'")
          .run(id)
        if (changes === 0) throw new MintError(CODE.quoteIssued, 'the quote is already issued')
        transactions.write([], signed, 'mint')
      })
      return signed.map(s => s.signature)
    },

    /** NUT-05. The reserve is 1 % and at least 1 sat; paying here costs nothing, so all of it comes back (NUT-08). */
    createMeltQuote(request: string, unit: string) {
      if (unit !== 'sat') throw new MintError(CODE.unitUnsupported, `unit ${unit} is not supported, only sat`)
      const invoice = readInvoice(request.toLowerCase())
      if (invoice.expires <= seconds()) throw new MintError(CODE.quoteExpired, 'the invoice has expired')
      const id = bytesToHex(randomBytes(16))
      db.prepare(
        `insert into melt_quote (id, amount, fee_reserve, request, payment_hash, state, expiry)
         values (?, ?, ?, ?, ?, 'UNPAID', ?)`,
      ).run(
        id,
        invoice.amount,
        Math.max(1, Math.ceil(invoice.amount / 100)),
        request,
        invoice.paymentHash,
        Math.min(invoice.expires, seconds() + EXPIRY),
      )
      return meltView(meltQuote(id))
    },

    meltQuote: (id: string) => meltView(meltQuote(id)),

    melt(id: string, inputs: Input[], blanks: { id: string; B_: string }[]) {
      transactions.checkOutputs(blanks)
      const quote = meltQuote(id)
      if (quote.state === 'PAID') throw new MintError(CODE.invoicePaid, 'the quote is already paid')
      if (quote.expiry <= seconds()) throw new MintError(CODE.quoteExpired, 'the quote has expired')
      const spends = transactions.checkInputs(inputs)
      const left = sum(inputs) - keysets.fee(inputs) - quote.amount
      if (left < quote.fee_reserve)
        throw new MintError(
          CODE.unbalanced,
          `inputs (${sum(inputs)}) do not cover ${quote.amount} and a fee of up to ${quote.fee_reserve + keysets.fee(inputs)}`,
        )
      const change = transactions.sign(spread(left, blanks))
      db.transaction(() => {
        const own = db
          .prepare<MintQuote>('select * from mint_quote where payment_hash = ?')
          .get(quote.payment_hash)
        if (own && mintQuote(own.id).state !== 'UNPAID')
          throw new MintError(CODE.invoicePaid, 'the invoice is already paid')
        if (own) markPaid(own)
        transactions.write(spends, change, `melt ${id}`)
        const { changes } = db
          .prepare(
            "update melt_quote set state = 'PAID', preimage = ?, change = ? where id = ? and state = 'UNPAID'",
          )
          .run(own?.preimage ?? null, JSON.stringify(change.map(c => c.signature)), id)
        if (changes === 0) throw new MintError(CODE.invoicePaid, 'the quote is already paid')
        db.prepare("insert into lightning (direction, amount, quote) values ('out', ?, ?)").run(
          quote.amount,
          id,
        )
      })
      return meltView(meltQuote(id))
    },
  }
}

/** NUT-08: what is left, in powers of two, on as many of the blank outputs as that takes; what does not fit is kept. */
function spread(left: number, blanks: { id: string; B_: string }[]): Output[] {
  const parts = [...left.toString(2)].reverse().flatMap((bit, power) => (bit === '1' ? [2 ** power] : []))
  return parts
    .reverse()
    .slice(0, blanks.length)
    .flatMap((amount, i) => {
      const blank = blanks[i]
      return blank ? [{ ...blank, amount }] : []
    })
}
