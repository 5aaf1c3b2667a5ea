import type { z } from 'zod'
import { WireError } from '../nostr/index.ts'

/**
 * A content of this schema, with fields it does not know left out.
 * @throws WireError `wire/content`, with the path of the first field that is wrong
 */
export function checked<C>(name: string, schema: z.ZodType<C>, value: unknown): C {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  const field = issue?.path.map(String).join('.').slice(0, 100) ?? ''
  const where = field === '' ? '' : ` at "${field}"`
  throw new WireError('wire/content', field, `Not a valid ${name}${where}: ${issue?.message.slice(0, 200)}.`)
}
