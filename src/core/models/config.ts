import { z } from 'zod'
import { rowsSpec } from '../training/index.ts'

/** What `config.json` calls itself; how a model folder is told from any other folder. */
export const FORMAT = 'gradstr-model'
export const VERSION = 1

/** The files of a model folder besides config.json, which lists them. */
export const FILES = {
  onnx: 'model.onnx',
  weights: 'model.safetensors',
  encoding: 'encoding.json',
  report: 'report.json',
  card: 'README.md',
} as const
export const CONFIG = 'config.json'

const meaning = z.string()
const columnInput = {
  /** The input's name in model.onnx: the column's, unless an output has that name. Its shape is [rows, 1]. */
  name: z.string(),
  column: z.string(),
  meaning,
}

/** An input of model.onnx. */
const modelInput = z.discriminatedUnion('kind', [
  /** NaN stands for "missing". `example` is about the value that takes its place. */
  z.object({
    kind: z.literal('number'),
    ...columnInput,
    type: z.enum(['float32', 'float64']),
    example: z.number(),
  }),
  /** Any text; '' and texts that are not among `values` count as "other". */
  z.object({
    kind: z.literal('text'),
    ...columnInput,
    type: z.literal('string'),
    values: z.array(z.string()),
  }),
  /** Days since 1970-01-01, the time as a fraction of a day; NaN stands for "missing". */
  z.object({
    kind: z.literal('date'),
    ...columnInput,
    type: z.literal('float64'),
    example: z.number(),
  }),
  /**
   * Pixels as pictures lie in memory, rows from top to bottom. The shape is [rows, height, width] of grey ones, of colours
   * [rows, height, width, 3].
   */
  z.object({
    kind: z.literal('image'),
    name: z.string(),
    type: z.literal('uint8'),
    width: z.int().positive(),
    height: z.int().positive(),
    channels: z.union([z.literal(1), z.literal(3)]).default(1),
    meaning,
  }),
])
export type ModelInput = z.infer<typeof modelInput>
export type ColumnInput = Exclude<ModelInput, { kind: 'image' }>

const file = z.object({ sha256: z.string(), size: z.number() })

/** `config.json`: what goes in, what comes out, and the hashes by which a damaged file is found. */
export const modelConfig = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  task: z.enum(['classification', 'regression']),
  /** The column that the model predicts. */
  target: z.string(),
  /** Names of the classes, in the order of the columns of `probabilities`. */
  classes: z.array(z.string()).optional(),
  inputs: z.array(modelInput).min(1),
  outputs: z.array(
    z.object({ name: z.string(), type: z.enum(['string', 'float32']), shape: z.array(z.string()), meaning }),
  ),
  /**
   * Regression: on rows never trained on, `coverage` of the true values lay between the answer + `low` and the
   * answer + `high` (split conformal prediction: Vovk et al. 2005, Lei et al. 2018).
   */
  interval: z.object({ coverage: z.number(), low: z.number(), high: z.number() }).optional(),
  /** The network inside, as it was trained. */
  spec: rowsSpec,
  files: z.record(z.string(), file),
})
export type ModelConfig = z.infer<typeof modelConfig>
