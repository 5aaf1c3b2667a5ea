import { z } from 'zod'
import { CODE, MintError } from './errors.ts'

const point = z.string().regex(/^0[23][0-9a-f]{64}$/)
const keyset = z.string().regex(/^0[01][0-9a-f]{14,64}$/)
const amount = z
  .number()
  .int()
  .min(1)
  .max(2 ** 40)

const input = z.object({
  id: keyset,
  amount,
  /** cashu-ts builds secrets of at most 1,024 characters. */
  secret: z.string().min(1).max(1024),
  C: point,
  witness: z
    .union([z.string().max(16_384), z.object({ signatures: z.array(z.string().max(256)).max(64) })])
    .nullish()
    .transform(w =>
      w === null || w === undefined ? undefined : typeof w === 'string' ? w : JSON.stringify(w),
    ),
})
export type Input = z.infer<typeof input>

const output = z.object({ id: keyset, amount, B_: point })
export type Output = z.infer<typeof output>
/** NUT-08: the amount of a blank output is the mint's to fill in. */
const blank = z.object({ id: keyset, amount: z.number().int().min(0), B_: point })

const quote = z.string().min(1).max(64)
const inputs = z.array(input).min(1).max(1000)
const outputs = z.array(output).min(1).max(1000)

export const requests = {
  swap: z.object({ inputs, outputs }),
  mintQuote: z.object({ amount, unit: z.string().max(16), description: z.string().max(640).nullish() }),
  mint: z.object({ quote, outputs }),
  meltQuote: z.object({ request: z.string().min(1).max(4096), unit: z.string().max(16) }),
  melt: z.object({ quote, inputs, outputs: z.array(blank).max(64).nullish() }),
  check: z.object({ Ys: z.array(point).max(1000) }),
  restore: z.object({ outputs: z.array(z.object({ B_: point })).max(1000) }),
}

/** @throws MintError that names the field */
export function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body)
  if (result.success) return result.data
  const issue = result.error.issues[0]
  throw new MintError(
    CODE.malformed,
    `${issue?.path.join('.') || 'body'}: ${issue?.message ?? 'not understood'}`,
  )
}
