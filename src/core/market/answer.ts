import { z } from 'zod'
import { hex32, line } from './fields.ts'
import { KIND } from './kinds.ts'
import { sessionKind } from './layers.ts'

const answerContent = z.object({
  /** Id of the award: the inner event. */
  award: hex32,
  accept: z.boolean(),
  /** For programs, like an error's code; `ok` when accepted. */
  code: line(60),
  reason: line(500),
})
export type Answer = z.infer<typeof answerContent>

/** P → J: takes the award, or not. */
export const answer = sessionKind({ name: 'answer', kind: KIND.ANSWER, schema: answerContent })
