import { UserError } from '../../shared/errors.ts'
import { type Sats, sats } from '../../shared/units.ts'
import { type Context, sum } from './context.ts'
import { type Answer, complete, type Ending, OperationFailed, restored } from './engine.ts'
import { invoiceAmount } from './invoice.ts'
import { forPeople, MintDishonest, MintRefusal, REFUSED } from './mint-errors.ts'
import type { Mint } from './mints.ts'
import type { Operation } from './operations.ts'
import type { Quote, Quotes } from './quotes.ts'
import { renew } from './restore.ts'
import { isWorthAnotherTry } from './spending.ts'
import { split } from './split.ts'

/** An invoice that was paid in its last second may be seen as paid a little later. */
const GRACE = 86_400
const ATTEMPTS = 4

/** Asks for an invoice (NUT-04). The quote is stored before the invoice is shown. */
export async function requestTopUp(
  context: Context,
  quotes: Quotes,
  address: string,
  amount: Sats,
): Promise<Quote> {
  if (!Number.isSafeInteger(amount) || amount <= 0)
    throw new UserError('payments/amount', {
      message: `${amount} sat cannot be topped up.`,
      fix: 'Give a whole number of sats, at least 1.',
    })
  const mint = await context.mints.load(address)
  try {
    const { id, request, amount: quoted, expiry } = await mint.client.createMintQuote(amount)
    if (quoted !== amount || invoiceAmount(request) !== amount)
      throw new MintDishonest(`its invoice is not over the ${amount} sat asked for`)
    const quote = {
      mint: mint.url,
      id,
      direction: 'in',
      amount,
      reserve: 0,
      request,
      state: 'unpaid',
      expiry,
    } as const
    quotes.add(quote)
    context.step('mint:quoted')
    return quote
  } catch (error) {
    throw forPeople(error, mint.url)
  }
}

/**
 * Looks whether a quote is paid, and has it issued.
 * @returns `done` when the sats are in the balance, `failed` when the invoice has expired unpaid
 */
export async function checkTopUp(context: Context, quotes: Quotes, quote: Quote): Promise<Quote['state']> {
  for (let attempt = 1; ; attempt++) {
    const known = quotes.get(quote.mint, quote.id)
    if (!known || known.state === 'done' || known.state === 'failed') return known?.state ?? 'failed'
    const mint = await context.mints.load(quote.mint)
    let operation = context.operations
      .of('mint', quote.id)
      .find(o => o.mint === quote.mint && o.state === 'open')
    if (!operation) {
      const { state } = await mint.client.mintQuote(quote.id)
      if (state === 'UNPAID') {
        if (context.now() < known.expiry + GRACE) return 'unpaid'
        quotes.set(quote.mint, quote.id, 'failed')
        return 'failed'
      }
      operation = begin(context, quotes, mint, known)
    }
    try {
      const { state } = await context.engine.advance(operation.id)
      if (state === 'open') return 'paid'
    } catch (error) {
      if (!(error instanceof OperationFailed)) throw error
      if (!isWorthAnotherTry(error.failure) || attempt >= ATTEMPTS)
        throw new MintRefusal(error.failure.code, error.failure.reason)
      await renew(context, mint.url, error.failure)
    }
  }
}

function begin(context: Context, quotes: Quotes, mint: Mint, quote: Quote): Operation {
  const { operation, isNew } = context.db.transaction(() => {
    const underWay = context.operations
      .of('mint', quote.id)
      .find(o => o.mint === quote.mint && o.state === 'open')
    if (underWay) return { operation: underWay, isNew: false }
    const keyset = mint.active()
    const amounts = split(quote.amount, Object.keys(keyset.keys).map(Number)).reverse()
    const outputs = context.proofs.outputs(keyset.id, amounts).map(o => ({ ...o, use: 'keep' as const }))
    if (quotes.get(quote.mint, quote.id)?.state === 'unpaid') {
      quotes.set(quote.mint, quote.id, 'paid')
      context.ledger.record('top-up', quote.id, mint.url, {
        pendingIn: quote.amount,
        external: -quote.amount,
      })
    }
    const made = context.operations.create({
      purpose: 'mint',
      about: quote.id,
      mint: mint.url,
      inputs: [],
      outputs,
    })
    return { operation: made, isNew: true }
  })
  if (isNew) context.engine.created(operation)
  return operation
}

/** NUT-04: issues a paid quote; when it was issued before, NUT-09 gives the signatures back. */
export async function sendMint(mint: Mint, { about, outputs }: Operation): Promise<Answer | undefined> {
  try {
    return { signatures: complete(outputs.length, await mint.client.mint(about, outputs)) }
  } catch (error) {
    if (!(error instanceof MintRefusal)) throw error
    const { code } = error
    if (code !== REFUSED.quoteIssued && code !== REFUSED.alreadySigned && code !== REFUSED.quoteUnpaid) {
      // Not a word about the quote itself: what a mint refuses for other reasons it may grant later.
      if (isWorthAnotherTry({ code, reason: '', spent: new Set() })) throw failed(error)
      throw error
    }
    const signatures = await restored(mint, outputs)
    if (signatures) return { signatures }
    if (code === REFUSED.quoteUnpaid) return undefined
    throw failed(error)
  }
}

const failed = (error: MintRefusal) =>
  new OperationFailed({ reason: error.message, code: error.code, spent: new Set() })

export const mintEnding = (context: Context, quotes: Quotes): Ending => ({
  done(operation, { proofs }) {
    const came = proofs.map(p => p.proof)
    context.proofs.add(operation.mint, came)
    quotes.set(operation.mint, operation.about, 'done')
    context.ledger.record('top-up', operation.about, operation.mint, {
      pendingIn: -sum(came),
      available: sum(came),
    })
    return {}
  },
  failed(operation, failure) {
    if (isWorthAnotherTry(failure)) return
    // Issued to other outputs: by another wallet of the same seed, whose proofs a restore finds.
    quotes.set(operation.mint, operation.about, 'failed')
    const amount = sum(operation.outputs)
    context.ledger.record('top-up issued elsewhere', operation.about, operation.mint, {
      pendingIn: -amount,
      external: amount,
    })
  },
})

/** Asks again and again, ever more slowly, until the sats are there. */
export async function awaitTopUp(
  context: Context,
  quotes: Quotes,
  quote: Quote,
  pause: (ms: number) => Promise<void>,
): Promise<Sats> {
  for (let wait = 50; ; wait = Math.min(wait * 1.5, 10_000)) {
    try {
      const state = await checkTopUp(context, quotes, quote)
      if (state === 'done') return sats(quote.amount)
      if (state === 'failed')
        throw new UserError('payments/invoice-expired', {
          message: `The invoice over ${quote.amount} sat has expired unpaid.`,
          fix: 'Ask for a new one.',
          where: quote.mint,
        })
    } catch (error) {
      if (error instanceof UserError && error.code === 'payments/invoice-expired') throw error
      context.log('top-up: the mint has not answered, trying again', { mint: quote.mint })
    }
    await pause(wait)
  }
}
