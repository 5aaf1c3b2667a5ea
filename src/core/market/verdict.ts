import { z } from 'zod'
import { amount, finite, hex32, line, witnesses } from './fields.ts'
import { KIND } from './kinds.ts'
import { sessionKind } from './layers.ts'
import { parent, ROUND } from './limits.ts'

/** What was measured, in words. It begins with a letter: `__proto__` must never become a property. */
const figureName = z.string().regex(/^[A-Za-z][A-Za-z0-9 .’'-]{0,59}$/)

const verdictContent = z
  .object({
    award: hex32,
    round: ROUND,
    paid: z.enum(['full', 'part', 'none']),
    /** Released with this verdict; the signatures are in `witnesses`. */
    sats: amount,
    /** Whether it went into the aggregate: another question than pay. */
    used: z.boolean(),
    /** What the customer measured. A measure that is not finite is left out. */
    figures: z
      .record(figureName, finite)
      .refine(figures => Object.keys(figures).length <= 40, 'expected at most 40 figures'),
    reason: line(500),
    /** The customer's signatures over the proofs it releases (NUT-11, SIG_INPUTS). */
    witnesses,
    parent,
  })
  .refine(v => (v.paid === 'none') === (v.sats === 0), {
    message: 'expected sats above 0 exactly when something is paid',
    path: ['sats'],
  })
export type Verdict = z.infer<typeof verdictContent>

/** J → P: paid or not, used or not, and why. */
export const verdict = sessionKind({ name: 'verdict', kind: KIND.VERDICT, schema: verdictContent })
