import { UserError } from '../../shared/errors.ts'
import { sats } from '../../shared/units.ts'
import { type MeltQuote, type Output, yOf } from './cashu.ts'
import { type Context, sum } from './context.ts'
import { type Answer, type Ending, OperationFailed, spentInputs } from './engine.ts'
import { invoiceAmount } from './invoice.ts'
import { checkLimits } from './limits.ts'
import { forPeople, MintDishonest, MintRefusal } from './mint-errors.ts'
import type { Mint } from './mints.ts'
import type { Operation } from './operations.ts'
import type { Quote, Quotes } from './quotes.ts'
import { feeOf, inputsFor, releaseInputs, reserveInputs, whenAffordable } from './spending.ts'
import type { Withdrawal } from './types.ts'

/** NUT-08: without it a mint keeps what the payment did not cost. */
const CHANGE = 8

export async function quoteWithdrawal(context: Context, address: string, invoice: string): Promise<Quote> {
  const amount = invoiceAmount(invoice)
  const mint = await context.mints.load(address)
  if (!mint.nuts.includes(CHANGE))
    throw new UserError('payments/mint-unsuitable', {
      message: 'The mint does not give back what a Lightning payment did not cost (NUT-08).',
      fix: 'Withdraw through another mint.',
      where: mint.url,
    })
  try {
    const quote = await mint.client.createMeltQuote(invoice)
    if (quote.amount !== amount)
      throw new MintDishonest(`it quotes ${quote.amount} sat for an invoice over ${amount}`)
    const { id, reserve, expiry } = quote
    return {
      mint: mint.url,
      id,
      direction: 'out',
      amount,
      reserve,
      request: invoice,
      state: 'unpaid',
      expiry,
    }
  } catch (error) {
    throw forPeople(error, mint.url)
  }
}

/**
 * Pays a Lightning invoice (NUT-05). An invoice whose payment was begun is never paid again: the same call asks how it
 * went. A payment whose end is not known is pending, not failed.
 */
export async function withdraw(
  context: Context,
  quotes: Quotes,
  address: string,
  invoice: string,
): Promise<Withdrawal> {
  const mint = await context.mints.load(address)
  const begun = quotes.paying(mint.url, invoice) ?? (await begin(context, quotes, mint, invoice))
  const operation = context.operations
    .of('melt', begun.id)
    .find(o => o.mint === mint.url && o.state !== 'failed')
  if (!operation) throw new Error(`quote ${begun.id} has no operation`)
  try {
    return described(begun, await context.engine.advance(operation.id))
  } catch (error) {
    if (error instanceof OperationFailed)
      throw new UserError('payments/withdrawal-failed', {
        message: `The invoice was not paid: ${error.failure.reason}.`,
        fix: 'Nothing was taken. Ask for a new invoice and try again.',
        where: mint.url,
      })
    context.log('withdrawal: no answer yet', { mint: mint.url })
    return described(begun, operation)
  }
}

function described(quote: Quote, operation: Operation): Withdrawal {
  if (operation.state !== 'done')
    return { paid: sats(quote.amount), fee: sats(sum(operation.inputs) - quote.amount), pending: true }
  const { preimage, change } = operation.result ?? {}
  const fee = sats(sum(operation.inputs) - quote.amount - Number(change))
  return { paid: sats(quote.amount), fee, ...(typeof preimage === 'string' ? { preimage } : {}) }
}

async function begin(context: Context, quotes: Quotes, mint: Mint, invoice: string): Promise<Quote> {
  const quote = await quoteWithdrawal(context, mint.url, invoice)
  return whenAffordable(context, mint, quote.amount + quote.reserve, () => {
    const begun = context.db.transaction(() => {
      const before = quotes.paying(mint.url, invoice)
      if (before) return { paying: before, operation: undefined }
      const operation = store(context, quotes, mint, quote)
      return operation && { paying: { ...quote, state: 'paid' as const }, operation }
    })
    if (begun?.operation) context.engine.created(begun.operation)
    return begun?.paying
  })
}

function store(context: Context, quotes: Quotes, mint: Mint, quote: Quote): Operation | undefined {
  const inputs = inputsFor(context, mint, quote.amount + quote.reserve)
  if (!inputs) return undefined
  checkLimits(context, { amount: quote.amount + quote.reserve + feeOf(mint, inputs) })
  quotes.add({ ...quote, state: 'paid' })
  // NUT-08: as many blank outputs as it takes to give all that is too much back in powers of two.
  const count = Math.max(1, Math.ceil(Math.log2(sum(inputs) - quote.amount + 1)))
  const outputs = context.proofs
    .outputs(mint.active().id, Array<number>(count).fill(0))
    .map(o => ({ ...o, use: 'keep' as const }))
  const operation = context.operations.create({
    purpose: 'melt',
    about: quote.id,
    mint: mint.url,
    inputs,
    outputs,
  })
  reserveInputs(context, operation)
  return operation
}

/** NUT-05. A payment sent before is looked up, and sent again only when the mint knows it as unpaid. */
export async function sendMelt(
  mint: Mint,
  operation: Operation,
  fresh: boolean,
): Promise<Answer | undefined> {
  const { about, inputs, outputs } = operation
  if (!fresh) {
    const before = await mint.client.meltQuote(about)
    if (before.state !== 'UNPAID') return answerOf(mint, before, outputs)
  }
  try {
    return await answerOf(mint, await mint.client.melt(about, inputs, outputs), outputs)
  } catch (error) {
    if (!(error instanceof MintRefusal)) throw error
    const now = await mint.client.meltQuote(about)
    if (now.state !== 'UNPAID') return answerOf(mint, now, outputs)
    const spent = await spentInputs(mint, inputs)
    if (spent === 'pending') return undefined
    throw new OperationFailed({ reason: error.message, code: error.code, spent })
  }
}

async function answerOf(mint: Mint, quote: MeltQuote, blanks: Output[]): Promise<Answer | undefined> {
  if (quote.state !== 'PAID') return undefined
  const change = quote.change.length > 0 ? quote.change : await restoredChange(mint, blanks)
  return { signatures: change, facts: quote.preimage === undefined ? {} : { preimage: quote.preimage } }
}

/** The mint fills the blanks in their order, so the signed ones are the first. */
async function restoredChange(mint: Mint, blanks: Output[]) {
  const found = await mint.client.restore(blanks)
  return blanks.flatMap(blank => found.get(blank.B_) ?? [])
}

export const meltEnding = (context: Context, quotes: Quotes): Ending => ({
  done(operation, { proofs, facts }) {
    const change = proofs.map(p => p.proof)
    const quote = quotes.get(operation.mint, operation.about)
    if (!quote) throw new Error(`quote ${operation.about} is gone`)
    const fee = sum(operation.inputs) - quote.amount - sum(change)
    if (fee < 0) throw new MintDishonest('it gave more change than there was')
    context.proofs.settle(
      operation.inputs.map(p => yOf(p.secret)),
      'spent',
    )
    context.proofs.add(operation.mint, change)
    quotes.set(operation.mint, operation.about, 'done')
    context.ledger.record('withdrawal', operation.about, operation.mint, {
      pendingOut: -sum(operation.inputs),
      external: quote.amount,
      available: sum(change),
      fees: fee,
    })
    return { ...facts, change: sum(change) }
  },
  failed(operation, failure) {
    quotes.set(operation.mint, operation.about, 'failed')
    releaseInputs(context, operation, failure)
  },
})
