import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { UserError } from '../../shared/errors.ts'
import { DATE_LAYOUTS } from './cells/date.ts'
import { widthOf } from './width.ts'

const name = z.string().max(1_000)
const finite = z.number()

/** A number becomes (x − mean) / scale; a missing one is `fill`, and 1 in one more input when `indicator`. */
const numeric = z.object({
  kind: z.literal('numeric'),
  name,
  mean: finite,
  scale: z.number().positive(),
  fill: finite,
  indicator: z.boolean(),
})

/** One input for each value and a last one for every other or missing value. */
const categorical = z.object({
  kind: z.literal('categorical'),
  name,
  values: z.array(z.string()).min(1).max(1_000),
})

/**
 * Days since 1970 (standardised), sine and cosine of the place in the year and in the week, and of the time of day when
 * the column has times. A missing date is the mean day, zeros, and 1 in one more input when `indicator`.
 */
const date = z.object({
  kind: z.literal('date'),
  name,
  layout: z.enum(DATE_LAYOUTS),
  time: z.boolean(),
  mean: finite,
  scale: z.number().positive(),
  indicator: z.boolean(),
})

const feature = z.discriminatedUnion('kind', [numeric, categorical, date])

const classTarget = z.object({
  kind: z.literal('class'),
  name,
  values: z.array(z.string()).min(2).max(1_000),
})

/** What the model learns is (y − mean) / scale. */
const numberTarget = z.object({
  kind: z.literal('number'),
  name,
  mean: finite,
  scale: z.number().positive(),
})

const table = z.object({
  v: z.literal(1),
  kind: z.literal('table'),
  features: z.array(feature).min(1).max(10_000),
  target: z.discriminatedUnion('kind', [classTarget, numberTarget]),
})

/** Grey images, of IDX files or others: bytes `[height, width]`. */
const images = z.object({
  v: z.literal(1),
  kind: z.literal('idx'),
  width: z.int().positive().max(4_096),
  height: z.int().positive().max(4_096),
  target: classTarget,
})

/** Colour images: bytes `[channels, height, width]`. */
const colours = z.object({
  v: z.literal(1),
  kind: z.literal('images'),
  width: z.int().positive().max(4_096),
  height: z.int().positive().max(4_096),
  channels: z.literal(3),
  target: classTarget,
})

/** How a text became rows of tokens. Its tokenizer.json lies beside it. */
export const textEncoding = z.object({
  v: z.literal(1),
  kind: z.literal('text'),
  layout: z.enum(['plain', 'completions', 'chat']),
  vocabulary: z
    .int()
    .min(1)
    .max(2 ** 20),
  block: z
    .int()
    .min(1)
    .max(2 ** 20),
  masked: z.boolean(),
  /** Hex, of tokenizer.json. */
  tokenizer: z.string().regex(/^[0-9a-f]{64}$/),
})

export type TextEncoding = z.infer<typeof textEncoding>

/** How rows become the model's inputs, and its outputs answers. Fitted on the shards, never on the holdout. */
export const encoding = z.discriminatedUnion('kind', [table, images, colours])

export type Encoding = z.infer<typeof encoding>
export type TableEncoding = z.infer<typeof table>
export type ImageEncoding = z.infer<typeof images> | z.infer<typeof colours>
export type Feature = z.infer<typeof feature>
export type NumericFeature = z.infer<typeof numeric>
export type CategoricalFeature = z.infer<typeof categorical>
export type DateFeature = z.infer<typeof date>
export type TargetEncoding = z.infer<typeof classTarget> | z.infer<typeof numberTarget>

export const channelsOf = (encoding: ImageEncoding): 1 | 3 =>
  encoding.kind === 'idx' ? 1 : encoding.channels

/** How many inputs a model of this encoding has. */
export function inputsOf(encoding: Encoding): number {
  if (encoding.kind !== 'table') return channelsOf(encoding) * encoding.width * encoding.height
  return encoding.features.reduce((total, feature) => total + widthOf(feature), 0)
}

export const readEncoding = (path: string): Promise<Encoding> => readJson(path, encoding)
export const readTextEncoding = (path: string): Promise<TextEncoding> => readJson(path, textEncoding)

async function readJson<T>(path: string, schema: z.ZodType<T>): Promise<T> {
  const text = await readFile(path, 'utf8')
  try {
    return schema.parse(JSON.parse(text))
  } catch (cause) {
    throw new UserError('dataset/encoding', {
      message: 'This file does not say how rows become inputs, or was damaged.',
      fix: 'Take encoding.json from the folder the dataset was prepared in.',
      where: path,
      cause,
    })
  }
}
