import { z } from 'zod'
import { hex32, line, witnesses } from './fields.ts'
import { KIND } from './kinds.ts'
import { sessionKind } from './layers.ts'
import { parent, ROUND } from './limits.ts'

const leaveContent = z.object({
  award: hex32,
  /** The round whose lock it is about, if one is open. */
  round: ROUND.optional(),
  code: z.enum(['pause', 'cancel', 'error', 'done', 'rejected', 'fenced', 'silent']),
  reason: line(500),
  /** From P: its signatures that give the open lock back. */
  witnesses: witnesses.optional(),
  parent,
})
export type Leave = z.infer<typeof leaveContent>

/** Either side ends its part. */
export const leave = sessionKind({ name: 'leave', kind: KIND.LEAVE, schema: leaveContent })
