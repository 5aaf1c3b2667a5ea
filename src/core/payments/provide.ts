import { UserError } from '../../shared/errors.ts'
import { sats } from '../../shared/units.ts'
import { isSignedBy, pubkeyOf, signSecret, witnessOf, yOf } from './cashu.ts'
import { type Context, sum } from './context.ts'
import { type Ending, OperationFailed, persistedLater } from './engine.ts'
import { existingLock } from './lock.ts'
import type { Lock } from './locks.ts'
import { forPeople, MintRefusal } from './mint-errors.ts'
import { wrongKey } from './release.ts'
import { renew } from './restore.ts'
import { feeOf, isWorthAnotherTry } from './spending.ts'
import { split } from './split.ts'
import type { Redeemed, Witness } from './types.ts'

const ATTEMPTS = 4

/** The provider's signatures over everything that was not released to it: with them the customer takes it back at once. */
export function giveBack(context: Context, request: { id: string; secret: Uint8Array }): Witness[] {
  const lock = existingLock(context, request.id, 'provider')
  if (pubkeyOf(request.secret) !== lock.provider) throw wrongKey(lock.id)
  const witnesses = context.db.transaction(() => {
    const open = context.locks.proofs(lock.id).filter(p => p.state === 'received' || p.state === 'returned')
    context.locks.setProofs(
      lock.id,
      open.map(p => p.y),
      'returned',
    )
    return open.map(({ proof }) => ({
      secret: proof.secret,
      signature: signSecret(proof.secret, request.secret),
    }))
  })
  context.step('returned')
  return witnesses
}

/**
 * Redeems what the customer released: its signatures and ours, swapped for proofs of our own. Gives all that this lock
 * has brought so far.
 * @throws UserError `payments/lock-witness` when no signature is the customer's, `payments/lock-spent` when the customer
 *   has taken the lock back
 */
export async function redeem(
  context: Context,
  request: { id: string; witnesses: Witness[]; secret: Uint8Array },
): Promise<Redeemed> {
  const lock = existingLock(context, request.id, 'provider')
  if (pubkeyOf(request.secret) !== lock.provider) throw wrongKey(lock.id)
  for (let attempt = 1; ; attempt++) {
    const mint = await context.mints.load(lock.mint)
    const underWay = context.operations.of('redeem', lock.id).find(o => o.state === 'open')
    const begun = underWay?.id ?? begin(context, lock, request)
    if (begun === undefined) return redeemed(context, lock)
    try {
      const operation = await context.engine.advance(begun)
      if (operation.state === 'open')
        throw new UserError('payments/pending', {
          message: 'The mint is still working on the swap.',
          fix: 'Nothing to do: it goes on by itself.',
          where: mint.url,
        })
    } catch (error) {
      if (!(error instanceof OperationFailed)) throw forPeople(error, mint.url)
      const { failure } = error
      if (failure.spent.size > 0) continue // what the customer has taken back is left out now
      if (!isWorthAnotherTry(failure) || attempt >= ATTEMPTS)
        throw forPeople(new MintRefusal(failure.code, failure.reason), mint.url)
      await renew(context, mint.url, failure)
    }
  }
}

function begin(
  context: Context,
  lock: Lock,
  request: { witnesses: Witness[]; secret: Uint8Array },
): string | undefined {
  const mint = context.mints.stored(lock.mint)
  if (!mint) throw new Error(`${lock.mint} is not known`)
  const operation = context.db.transaction(() => {
    const open = context.locks.proofs(lock.id).filter(p => p.state === 'received' || p.state === 'returned')
    const inputs = open.flatMap(({ proof }) => {
      const given = request.witnesses.find(w => w.secret === proof.secret)?.signature
      if (given === undefined || !isSignedBy(proof.secret, given, lock.customer)) return []
      // In the order of the lock's keys, so that a mint need not try.
      return [{ ...proof, witness: witnessOf([signSecret(proof.secret, request.secret), given]) }]
    })
    const fee = inputs.length > 0 ? feeOf(mint, inputs) : 0
    if (sum(inputs) <= fee) return undefined
    const keyset = mint.active()
    const amounts = split(sum(inputs) - fee, Object.keys(keyset.keys).map(Number)).reverse()
    const outputs = context.proofs.outputs(keyset.id, amounts).map(o => ({ ...o, use: 'keep' as const }))
    context.locks.setProofs(
      lock.id,
      inputs.map(p => yOf(p.secret)),
      'redeeming',
    )
    return context.operations.create({
      purpose: 'redeem',
      about: lock.id,
      mint: lock.mint,
      inputs,
      outputs,
    })
  }, persistedLater)
  if (operation) context.engine.created(operation)
  return operation?.id
}

function redeemed(context: Context, lock: Lock): Redeemed {
  const proofs = context.locks.proofs(lock.id)
  const done = proofs.filter(p => p.state === 'redeemed')
  const fee = context.locks.get(lock.id)?.fee ?? 0
  if (done.length > 0) return { redeemed: sats(sum(done) - fee), fee: sats(fee) }
  if (proofs.some(p => p.state === 'lost'))
    throw new UserError('payments/lock-spent', {
      message: `The lock ${lock.id} was spent by the customer before it was redeemed.`,
      fix: 'It cannot be redeemed any more. Redeem well before the locktime.',
      where: lock.mint,
    })
  throw new UserError('payments/lock-witness', {
    message: `No signature given releases anything of the lock ${lock.id}.`,
    fix: 'Ask the customer for signatures by the key that the award names.',
  })
}

export const redeemEnding = (context: Context): Ending => ({
  done(operation, { proofs }) {
    const came = proofs.map(p => p.proof)
    const fee = sum(operation.inputs) - sum(came)
    context.locks.setProofs(
      operation.about,
      operation.inputs.map(p => yOf(p.secret)),
      'redeemed',
    )
    context.locks.set(operation.about, { fee })
    context.proofs.add(operation.mint, came)
    context.ledger.record('redeem', operation.about, operation.mint, {
      available: sum(came),
      fees: fee,
      earned: -sum(operation.inputs),
    })
    return {}
  },
  failed(operation, failure) {
    const ys = operation.inputs.map(p => yOf(p.secret))
    context.locks.setProofs(
      operation.about,
      ys.filter(y => !failure.spent.has(y)),
      'received',
    )
    context.locks.setProofs(operation.about, [...failure.spent], 'lost')
  },
})
