import { z } from 'zod'
import { UserError } from '../../shared/errors.ts'
import type { Context } from './context.ts'
import type { Backup as Opaque } from './types.ts'

const amount = z
  .number()
  .int()
  .min(0)
  .max(2 ** 50)
const text = z.string().max(2048)
const proof = z.object({
  id: text,
  amount,
  secret: text,
  C: text,
  dleq: z.object({ e: text, s: text, r: text }).exactOptional(),
  witness: text.exactOptional(),
})
const output = z.object({ id: text, amount, B_: text, secret: text, r: text, use: z.enum(['keep', 'lock']) })

const backup = z.object({
  v: z.literal(1),
  counters: z.record(text, amount),
  locks: z
    .array(
      z.object({
        id: text,
        role: z.enum(['customer', 'provider']),
        state: z.enum(['pending', 'failed', 'ready']),
        mint: text,
        job: text.optional(),
        price: amount,
        amount,
        provider: text,
        customer: text,
        refund: text,
        locktime: z.number().int().min(0),
        token: z.string().max(200_000).optional(),
        judged: z.boolean(),
        fee: amount,
        refundFee: amount,
        proofs: z
          .array(
            z.object({
              proof,
              state: z.enum([
                'locked',
                'refunding',
                'released',
                'paid',
                'refunded',
                'received',
                'redeeming',
                'redeemed',
                'returned',
                'lost',
              ]),
              signature: text.optional(),
            }),
          )
          .max(200),
      }),
    )
    .max(10_000),
  operations: z
    .array(
      z.object({
        id: text,
        purpose: z.enum(['lock', 'refund', 'redeem']),
        about: text,
        mint: text,
        inputs: z.array(proof).max(1000),
        outputs: z.array(output).max(1000),
      }),
    )
    .max(1000),
})
export type Backup = z.infer<typeof backup>

/**
 * What the mnemonic cannot bring back: locks (of one job, or all of them) and swaps under way. It holds bearer money:
 * it belongs into an encrypted event, never into a log.
 */
export function makeBackup(context: Context, job?: string): Opaque {
  const locks = context.locks.all(job).map(lock => ({
    ...lock,
    proofs: context.locks.proofs(lock.id).map(({ proof, state, signature }) => ({ proof, state, signature })),
  }))
  const ids = new Set(locks.map(lock => lock.id))
  const operations = context.operations
    .open()
    .filter(
      o => ids.has(o.about) && (o.purpose === 'lock' || o.purpose === 'refund' || o.purpose === 'redeem'),
    )
    .map(({ id, purpose, about, mint, inputs, outputs }) => ({ id, purpose, about, mint, inputs, outputs }))
  return { v: 1, counters: context.proofs.counters(), locks, operations }
}

/** @throws UserError `payments/backup` that names the field */
export function parseBackup(value: unknown): Backup {
  const result = backup.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const part = issue?.path.join('.')
  throw new UserError('payments/backup', {
    message: `This is no backup of a Gradstr wallet${part ? `: its part "${part}" is missing or is not as it should be` : ''}.`,
    fix: 'Restore from the mnemonic alone; open locks come back after their locktime on the old machine.',
  })
}
