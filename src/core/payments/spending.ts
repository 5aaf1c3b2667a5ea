import { UserError } from '../../shared/errors.ts'
import { type Proof, yOf } from './cashu.ts'
import { type Context, sum } from './context.ts'
import type { Failure } from './engine.ts'
import { REFUSED } from './mint-errors.ts'
import type { Mint } from './mints.ts'
import type { Operation } from './operations.ts'
import { selectInputs } from './split.ts'

/** What spending these proofs costs at the mint (NUT-02). */
export const feeOf = (mint: Mint, proofs: Proof[]): number =>
  Math.ceil(proofs.reduce((total, { id }) => total + mint.keyset(id).feePpk, 0) / 1000)

/** Proofs that cover `need` and their own fee, or undefined. */
export function inputsFor(context: Context, mint: Mint, need: number): Proof[] | undefined {
  const candidates = context.proofs
    .available(mint.url)
    .filter(({ proof }) => mint.keysets.has(proof.id))
    .map(({ amount, proof }) => ({ amount, proof, feePpk: mint.keyset(proof.id).feePpk }))
  return selectInputs(candidates, need)?.map(({ proof }) => proof)
}

/**
 * Tries `reserve`, which returns undefined when what is available now does not suffice; change of swaps under way is
 * waited for.
 * @throws UserError `payments/not-enough`
 */
export async function whenAffordable<T>(
  context: Context,
  mint: Mint,
  need: number,
  reserve: () => T | undefined,
): Promise<T> {
  for (;;) {
    const reserved = reserve()
    if (reserved !== undefined) return reserved
    if (await context.engine.anyEnds()) continue
    const { available, pendingOut } = context.ledger.balance().mints[mint.url] ?? {
      available: 0,
      pendingOut: 0,
    }
    throw new UserError('payments/not-enough', {
      message: `${need} sat and the mint's fee are needed; ${available} sat are available there${pendingOut > 0 ? ` and ${pendingOut} sat are in unfinished swaps` : ''}.`,
      fix: 'Top up, or wait until a lock has come back.',
      where: mint.url,
    })
  }
}

/** In the transaction that stores an operation: its inputs leave the balance. */
export function reserveInputs(context: Context, operation: Operation): void {
  const amount = sum(operation.inputs)
  context.proofs.reserve(
    operation.inputs.map(p => yOf(p.secret)),
    operation.id,
  )
  context.ledger.record(`${operation.purpose} begun`, operation.about, operation.mint, {
    available: -amount,
    pendingOut: amount,
  })
}

/** In the transaction that ends a refused operation: its inputs come back, but for those that someone else has spent. */
export function releaseInputs(context: Context, operation: Operation, failure: Failure): void {
  const ys = operation.inputs.map(p => yOf(p.secret))
  const lost = sum(operation.inputs.filter(p => failure.spent.has(yOf(p.secret))))
  const amount = sum(operation.inputs)
  context.proofs.settle(
    ys.filter(y => !failure.spent.has(y)),
    'available',
  )
  context.proofs.settle([...failure.spent], 'spent')
  context.ledger.record(`${operation.purpose} refused`, operation.about, operation.mint, {
    pendingOut: -amount,
    available: amount - lost,
    external: lost,
  })
  if (lost > 0) context.log('proofs were spent elsewhere', { mint: operation.mint, sats: lost })
}

/** Refusals after which the same thing may work with new outputs: a retired keyset, or secrets that were used before. */
export const isWorthAnotherTry = ({ code, spent }: Failure): boolean =>
  code === REFUSED.keysetInactive ||
  code === REFUSED.keysetUnknown ||
  code === REFUSED.alreadySigned ||
  (code === REFUSED.alreadySpent && spent.size > 0)
