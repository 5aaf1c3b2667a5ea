import { UserError } from '../../shared/errors.ts'
import { sats } from '../../shared/units.ts'
import { encodeToken, lockedOutput, yOf } from './cashu.ts'
import { type Context, sum } from './context.ts'
import { type Ending, OperationFailed, persistedLater } from './engine.ts'
import { checkLimits } from './limits.ts'
import { describeLock, type Lock } from './locks.ts'
import { forPeople, MintRefusal } from './mint-errors.ts'
import type { Mint } from './mints.ts'
import { readUrl } from './mints.ts'
import type { Operation } from './operations.ts'
import { renew } from './restore.ts'
import {
  feeOf,
  inputsFor,
  isWorthAnotherTry,
  releaseInputs,
  reserveInputs,
  whenAffordable,
} from './spending.ts'
import { split, splitWithFee } from './split.ts'
import type { Locked, LockRequest } from './types.ts'

const ATTEMPTS = 4

/**
 * Locks a round's price to 2 of {provider, customer} (NUT-11), with a refund key after the locktime. The lock and the
 * secrets of its proofs are stored before the swap leaves; called again with its id, it goes on where it stopped.
 */
export async function lock(context: Context, request: LockRequest): Promise<Locked> {
  checkRequest(request)
  const mint = await context.mints.load(request.mint)
  for (let attempt = 1; ; attempt++) {
    const known = context.locks.get(request.id)
    if (known?.state === 'ready') return lockedOf(sameAs(known, request))
    const begun = await begin(context, mint.url, request)
    try {
      const operation = await context.engine.advance(begun.id)
      if (operation.state === 'open')
        throw new UserError('payments/pending', {
          message: 'The mint is still working on the swap.',
          fix: 'Nothing to do: it goes on by itself.',
          where: mint.url,
        })
    } catch (error) {
      if (!(error instanceof OperationFailed)) throw forPeople(error, mint.url)
      const { failure } = error
      if (!isWorthAnotherTry(failure) || attempt === ATTEMPTS)
        throw forPeople(new MintRefusal(failure.code, failure.reason), mint.url)
      await renew(context, mint.url, failure)
    }
  }
}

/** Stores the operation, or finds the one that is stored. */
async function begin(context: Context, url: string, request: LockRequest): Promise<Operation> {
  const mint = await context.mints.load(url)
  return whenAffordable(context, mint, request.amount, () => {
    const begun = context.db.transaction(() => {
      const known = context.locks.get(request.id)
      if (!known || known.state === 'failed') {
        const operation = store(context, mint, request)
        return operation && { operation, isNew: true }
      }
      const operation = context.operations.of('lock', sameAs(known, request).id).at(-1)
      if (!operation) throw new Error(`lock ${known.id} has no operation`)
      return { operation, isNew: false }
    }, persistedLater)
    if (begun?.isNew) context.engine.created(begun.operation)
    return begun?.operation
  })
}

/** What a lock of this price takes now: its proofs' amounts, the inputs that cover them, and the fee. */
export function planLock(context: Context, mint: Mint, price: number) {
  const keyset = mint.active()
  const denominations = Object.keys(keyset.keys).map(Number)
  const amounts = splitWithFee(price, keyset.feePpk, denominations)
  const face = amounts.reduce((total, amount) => total + amount, 0)
  const inputs = inputsFor(context, mint, face)
  if (!inputs) return undefined
  const fee = feeOf(mint, inputs)
  const change = split(sum(inputs) - face - fee, denominations)
  return { keyset, amounts, face, inputs, fee, change }
}

function store(context: Context, mint: Mint, request: LockRequest): Operation | undefined {
  const plan = planLock(context, mint, request.amount)
  if (!plan) return undefined
  const { keyset, amounts, face, inputs, fee, change } = plan
  const { id, job, cap, provider, customer, refund, locktime } = request
  checkLimits(context, { amount: face + fee, lock: { job, cap } })
  const outputs = [
    ...amounts.map(amount => ({ ...lockedOutput(request, keyset.id, amount), use: 'lock' as const })),
    ...context.proofs.outputs(keyset.id, change).map(output => ({ ...output, use: 'keep' as const })),
    // By amount, so that their order does not tell the mint which of them are change.
  ].sort((a, b) => a.amount - b.amount)
  const terms = { provider, customer, refund, locktime }
  const pending = {
    state: 'pending',
    role: 'customer',
    token: undefined,
    judged: false,
    refundFee: 0,
  } as const
  context.locks.put({
    ...terms,
    ...pending,
    id,
    job,
    mint: mint.url,
    price: request.amount,
    amount: face,
    fee,
  })
  const operation = context.operations.create({ purpose: 'lock', about: id, mint: mint.url, inputs, outputs })
  reserveInputs(context, operation)
  return operation
}

export const lockEnding = (context: Context): Ending => ({
  done(operation, { proofs }) {
    const of = (use: 'lock' | 'keep') => proofs.filter(p => p.use === use).map(p => p.proof)
    const [locked, change] = [of('lock').sort((a, b) => b.amount - a.amount), of('keep')]
    const id = operation.about
    context.locks.addProofs(
      id,
      locked.map(proof => ({ proof, state: 'locked' })),
    )
    context.locks.set(id, { state: 'ready', token: encodeToken(operation.mint, locked) })
    context.proofs.settle(
      operation.inputs.map(p => yOf(p.secret)),
      'spent',
    )
    context.proofs.add(operation.mint, change)
    context.ledger.record('lock', id, operation.mint, {
      pendingOut: -sum(operation.inputs),
      locked: sum(locked),
      available: sum(change),
      fees: sum(operation.inputs) - sum(locked) - sum(change),
    })
    return {}
  },
  failed(operation, failure) {
    releaseInputs(context, operation, failure)
    context.locks.set(operation.about, { state: 'failed' })
  },
})

const lockedOf = (lock: Lock): Locked => {
  if (lock.token === undefined) throw new Error(`lock ${lock.id} is ready and has no token`)
  return { token: lock.token, amount: sats(lock.amount), fee: sats(lock.fee) }
}

function checkRequest(request: LockRequest): void {
  const refuse = (field: string, message: string, fix: string) => {
    throw new UserError('payments/lock-request', { message, fix, where: field })
  }
  const { amount, locktime, provider, customer, refund } = request
  if (!Number.isSafeInteger(amount) || amount <= 0)
    refuse('amount', `A lock of ${amount} sat is not possible.`, 'Give a whole number of sats, at least 1.')
  if (!Number.isSafeInteger(locktime) || locktime <= 0)
    refuse('locktime', `${locktime} is not a time.`, 'Give unix seconds.')
  for (const [field, key] of Object.entries({ provider, customer, refund }))
    if (!/^0[23][0-9a-f]{64}$/.test(key))
      refuse(field, `"${key.slice(0, 80)}" is not a public key.`, 'Give a compressed key of 33 bytes in hex.')
  // NUT-11 knows keys by their x coordinate: the same one twice is one signer.
  if (new Set([provider, customer, refund].map(key => key.slice(2))).size < 3)
    refuse('customer', 'Two of the three keys of a lock are the same.', 'Use a fresh key for each.')
}

/** The same id means the same lock. @throws UserError `payments/lock-conflict` */
function sameAs(known: Lock, request: LockRequest): Lock {
  const same =
    known.role === 'customer' &&
    known.mint === readUrl(request.mint) &&
    known.price === request.amount &&
    known.provider === request.provider &&
    known.customer === request.customer &&
    known.refund === request.refund &&
    known.locktime === request.locktime
  if (same) return known
  throw new UserError('payments/lock-conflict', {
    message: `The lock ${known.id} exists already with other terms.`,
    fix: 'Use a new id for a new lock.',
  })
}

/** @throws UserError `payments/lock-unknown` */
export function existingLock(context: Context, id: string, role: Lock['role']): Lock {
  const known = context.locks.get(id)
  if (known?.role === role) return known
  throw new UserError('payments/lock-unknown', {
    message: `This wallet has no lock ${id}${known ? ' of its own' : ''}.`,
    fix: role === 'customer' ? 'Lock the sats first.' : 'Check the lock first.',
  })
}

export function lockState(context: Context, id: string) {
  const known = context.locks.get(id)
  return known && describeLock(known, context.locks.proofs(id))
}
