import { UserError } from '../../shared/errors.ts'
import { type Sats, sats } from '../../shared/units.ts'
import { pubkeyOf, signSecret } from './cashu.ts'
import { type Context, sum } from './context.ts'
import { existingLock } from './lock.ts'
import { largestPart } from './split.ts'
import type { Released } from './types.ts'

/**
 * Signs away the largest part of a lock that is worth at most `amount` to the provider after its redeeming fee; for the
 * whole price all of it, which the fee may leave worth a little more, and of which any part could be worth less. The first
 * decision stands: called again, it gives the same signatures, whatever the amount.
 * @param request.secret  the customer's lock key
 */
export function release(
  context: Context,
  request: { id: string; amount: Sats; secret: Uint8Array },
): Released {
  const lock = existingLock(context, request.id, 'customer')
  if (lock.state !== 'ready')
    throw new UserError('payments/lock-not-ready', {
      message: `The lock ${lock.id} is not made yet.`,
      fix: 'Wait until the mint has answered.',
    })
  if (pubkeyOf(request.secret) !== lock.customer) throw wrongKey(lock.id)
  const ppk = (id: string) => context.mints.stored(lock.mint)?.keyset(id).feePpk ?? 0

  const released = context.db.transaction(
    () => {
      const all = context.locks.proofs(lock.id)
      if (!lock.judged) {
        const open = all.filter(p => p.state === 'locked')
        const fee = ppk(all[0]?.proof.id ?? '')
        const part =
          request.amount >= lock.price
            ? open
            : largestPart(
                open.map(p => p.amount),
                Math.max(0, request.amount),
                fee,
              ).flatMap(i => open[i] ?? [])
        for (const { y, proof } of part) {
          context.locks.signProof(lock.id, y, signSecret(proof.secret, request.secret))
        }
        context.locks.setProofs(
          lock.id,
          part.map(p => p.y),
          'released',
        )
        context.locks.set(lock.id, { judged: true })
        context.ledger.record('release', lock.id, lock.mint, { locked: -sum(part), released: sum(part) })
      }
      const released = context.locks.proofs(lock.id).filter(p => p.signature !== undefined)
      const fee = Math.ceil(released.reduce((total, p) => total + ppk(p.proof.id), 0) / 1000)
      return {
        witnesses: released.map(p => ({ secret: p.proof.secret, signature: p.signature ?? '' })),
        amount: sats(sum(released)),
        net: sats(Math.max(0, sum(released) - fee)),
      }
    },
    // The signatures leave with a verdict, whose place in the outbox is durable.
    { durable: false },
  )
  context.step('released')
  return released
}

export const wrongKey = (id: string) =>
  new UserError('payments/lock-key', {
    message: `The key given is not the one that the lock ${id} names.`,
    fix: 'Derive the payment key of this award and round.',
  })
