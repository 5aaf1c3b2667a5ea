import { z } from 'zod'
import { amount, coordinate, count, hex32 } from './fields.ts'
import { KIND } from './kinds.ts'
import { publicKind } from './layers.ts'
import { MAX_ROUNDS } from './limits.ts'

const rounds = count(MAX_ROUNDS, 0)

const receiptContent = z
  .object({
    job: coordinate,
    /** Id of the award's inner event: of one author and award only one receipt counts. */
    award: hex32,
    /** The other side's identity. */
    counterparty: hex32,
    role: z.enum(['customer', 'provider']),
    /** Rounds that the customer asked of the provider, those it delivered, those that were paid. */
    asked: rounds,
    delivered: rounds,
    paid: rounds,
    /** What the provider has in its own hands, not what was locked. */
    redeemed: amount,
  })
  .refine(r => r.delivered <= r.asked && r.paid <= r.delivered, {
    message: 'expected paid ≤ delivered ≤ asked',
    path: ['delivered'],
  })
export type Receipt = z.infer<typeof receiptContent>

/** Signed by one side's identity when its part is over; it does not expire. */
export const receipt = publicKind({
  name: 'receipt',
  kind: KIND.RECEIPT,
  schema: receiptContent,
  tags: content => [
    ['a', content.job],
    ['p', content.counterparty],
  ],
})
