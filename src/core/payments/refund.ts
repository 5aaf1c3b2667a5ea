import { UserError } from '../../shared/errors.ts'
import { sats } from '../../shared/units.ts'
import { isSignedBy, type Proof, pubkeyOf, signSecret, witnessOf, yOf } from './cashu.ts'
import { type Context, sum } from './context.ts'
import { type Ending, OperationFailed } from './engine.ts'
import { existingLock } from './lock.ts'
import type { Lock, LockProof } from './locks.ts'
import { forPeople, MintRefusal } from './mint-errors.ts'
import { wrongKey } from './release.ts'
import { renew } from './restore.ts'
import { feeOf, isWorthAnotherTry } from './spending.ts'
import { split } from './split.ts'
import type { Refunded, Witness } from './types.ts'

/** What was released is the provider's; only what it left for this long after the locktime is taken back. */
const RELEASED_GRACE = 30 * 86_400
/** When the mint's clock is behind ours. */
const TRY_AGAIN = 60
const ATTEMPTS = 4

type Request = { id: string; keys: { customer: Uint8Array; refund: Uint8Array }; witnesses?: Witness[] }

/**
 * Takes back what of a lock was not released: at once with the provider's signatures, after the locktime with the refund
 * key. Gives all that came back so far, or the time before which nothing can.
 */
export async function refund(context: Context, request: Request): Promise<Refunded | { notBefore: number }> {
  const lock = existingLock(context, request.id, 'customer')
  if (lock.state !== 'ready') {
    if (lock.state === 'failed') return { refunded: sats(0), fee: sats(0) }
    throw new UserError('payments/lock-not-ready', {
      message: `The lock ${lock.id} is not made yet.`,
      fix: 'Wait until the mint has answered.',
    })
  }
  if (pubkeyOf(request.keys.customer) !== lock.customer || pubkeyOf(request.keys.refund) !== lock.refund)
    throw wrongKey(lock.id)
  for (let attempt = 1; ; attempt++) {
    const mint = await context.mints.load(lock.mint)
    const underWay = context.operations.of('refund', lock.id).find(o => o.state === 'open')
    const begun = underWay?.id ?? begin(context, lock, request)
    if (begun === 'nothing') return result(context, lock.id)
    if (begun === 'locked') return { notBefore: notBefore(context, lock) }
    try {
      const operation = await context.engine.advance(begun)
      if (operation.state === 'open') return { notBefore: context.now() + TRY_AGAIN }
    } catch (error) {
      if (!(error instanceof OperationFailed)) throw forPeople(error, mint.url)
      const { failure } = error
      if (failure.spent.size > 0) continue // what the provider has redeemed is left out now
      if (!isWorthAnotherTry(failure) && context.now() >= lock.locktime)
        return { notBefore: context.now() + TRY_AGAIN }
      if (!isWorthAnotherTry(failure) || attempt >= ATTEMPTS)
        throw forPeople(new MintRefusal(failure.code, failure.reason), mint.url)
      await renew(context, mint.url, failure)
    }
  }
}

function begin(context: Context, lock: Lock, request: Request): string | 'nothing' | 'locked' {
  const mint = context.mints.stored(lock.mint)
  if (!mint) throw new Error(`${lock.mint} is not known`)
  const operation = context.db.transaction(() => {
    const proofs = context.locks.proofs(lock.id)
    const open = proofs.filter(p => p.state === 'locked' || isForgotten(context, lock, p))
    if (open.length === 0) return 'nothing'
    const signed = open.flatMap(p => sign(context, lock, p, request) ?? [])
    if (signed.length === 0) return 'locked'
    const ys = signed.map(p => yOf(p.secret))
    const fee = feeOf(mint, signed)
    if (sum(signed) <= fee) {
      writeOff(context, lock, ys, sum(signed))
      return 'nothing'
    }
    const keyset = mint.active()
    const amounts = split(sum(signed) - fee, Object.keys(keyset.keys).map(Number)).reverse()
    const outputs = context.proofs.outputs(keyset.id, amounts).map(o => ({ ...o, use: 'keep' as const }))
    const forgotten = sum(open.filter(p => p.state === 'released' && ys.includes(p.y)))
    context.ledger.record('release ignored', lock.id, lock.mint, { released: -forgotten, locked: forgotten })
    context.locks.setProofs(lock.id, ys, 'refunding')
    return context.operations.create({
      purpose: 'refund',
      about: lock.id,
      mint: lock.mint,
      inputs: signed,
      outputs,
    })
  })
  if (typeof operation === 'string') return operation
  context.engine.created(operation)
  return operation.id
}

const isForgotten = (context: Context, lock: Lock, proof: LockProof): boolean =>
  proof.state === 'released' && context.now() >= lock.locktime + RELEASED_GRACE

/** The proof as the mint takes it: both signatures, or after the locktime the refund key's. Undefined: not yet. */
function sign(context: Context, lock: Lock, { proof }: LockProof, request: Request): Proof | undefined {
  const given = request.witnesses?.find(w => w.secret === proof.secret)?.signature
  if (given !== undefined && isSignedBy(proof.secret, given, lock.provider))
    return { ...proof, witness: witnessOf([given, signSecret(proof.secret, request.keys.customer)]) }
  if (context.now() < lock.locktime) return undefined
  return { ...proof, witness: witnessOf([signSecret(proof.secret, request.keys.refund)]) }
}

/** What is left is worth no more than the fee for taking it back. */
function writeOff(context: Context, lock: Lock, ys: string[], amount: number): void {
  context.locks.setProofs(lock.id, ys, 'refunded')
  context.locks.set(lock.id, { refundFee: amount })
  context.ledger.record('refund', lock.id, lock.mint, { locked: -amount, fees: amount })
}

const notBefore = (context: Context, lock: Lock): number =>
  context.locks.proofs(lock.id).some(p => p.state === 'locked')
    ? lock.locktime
    : lock.locktime + RELEASED_GRACE

function result(context: Context, id: string): Refunded {
  const proofs = context.locks.proofs(id).filter(p => p.state === 'refunded')
  return { refunded: sats(sum(proofs)), fee: sats(context.locks.get(id)?.refundFee ?? 0) }
}

export const refundEnding = (context: Context): Ending => ({
  done(operation, { proofs }) {
    const came = proofs.map(p => p.proof)
    const fee = sum(operation.inputs) - sum(came)
    context.locks.setProofs(
      operation.about,
      operation.inputs.map(p => yOf(p.secret)),
      'refunded',
    )
    context.locks.set(operation.about, { refundFee: fee })
    context.proofs.add(operation.mint, came)
    context.ledger.record('refund', operation.about, operation.mint, {
      locked: -sum(operation.inputs),
      available: sum(came),
      fees: fee,
    })
    return {}
  },
  failed(operation, failure) {
    const ys = operation.inputs.map(p => yOf(p.secret))
    // Spent by the provider: it had this customer's signature, from here or from another machine of the same seed.
    const taken = operation.inputs.filter(p => failure.spent.has(yOf(p.secret)))
    context.locks.setProofs(
      operation.about,
      ys.filter(y => !failure.spent.has(y)),
      'locked',
    )
    context.locks.setProofs(operation.about, [...failure.spent], 'paid')
    context.ledger.record('redeemed by the provider', operation.about, operation.mint, {
      locked: -sum(taken),
      paid: sum(taken),
    })
  },
})
