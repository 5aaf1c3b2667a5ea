import { z } from 'zod'

/** More than any published tokenizer has (262,144), and little enough to be held in memory. */
export const MOST_TOKENS = 2 ** 20
const MOST_NAME = 10_000
const text = z.string().max(MOST_NAME)
const id = z.int().min(0).lt(MOST_TOKENS)

// By hand: zod's records leave out a token named `__proto__`, and take long over 100,000 entries.
const vocab = z.custom<Readonly<Record<string, number>>>(isVocab, {
  message: `tokens' numbers must be whole, from 0 to ${MOST_TOKENS - 1}`,
})

function isVocab(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  return Object.entries(value).every(
    ([name, number]) =>
      name.length <= MOST_NAME && Number.isInteger(number) && number >= 0 && number < MOST_TOKENS,
  )
}
const merge = z.union([z.string().max(2 * MOST_NAME + 1), z.tuple([text, text])])

/** Parts that differ between tokenizers are looked at one by one (`spelling.ts`). */
const part = z.record(z.string(), z.unknown()).nullish()

const addedToken = z.looseObject({
  id,
  content: text.min(1),
  special: z.boolean().default(false),
})

/** Hugging Face's tokenizer.json, as far as we read it. */
export const tokenizerFile = z.looseObject({
  added_tokens: z.array(addedToken).max(MOST_TOKENS).default([]),
  normalizer: part,
  pre_tokenizer: part,
  decoder: part,
  model: z.looseObject({
    type: z.string().optional(),
    vocab,
    merges: z.array(merge).max(MOST_TOKENS),
    byte_fallback: z.boolean().nullish(),
    ignore_merges: z.boolean().nullish(),
    continuing_subword_prefix: z.string().nullish(),
    end_of_word_suffix: z.string().nullish(),
    dropout: z.number().nullish(),
  }),
})

export type TokenizerFile = z.infer<typeof tokenizerFile>
export type Part = z.infer<typeof part>
