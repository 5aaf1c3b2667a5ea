import { join } from 'node:path'
import { type Encoding, type ImageEncoding, inputsOf, type TableEncoding } from '../datasets/index.ts'
import { f32, initialWeights, type SpecOf, writeSafetensors } from '../training/index.ts'
import { type ExportOptions, exportModel } from './export.ts'
import type { TrainingFacts } from './report.ts'

// Models without training, for this room's tests: weights are the initial ones, the holdout is arithmetic.

export const houses: TableEncoding = {
  v: 1,
  kind: 'table',
  features: [
    { kind: 'numeric', name: 'area', mean: 90, scale: 25, fill: 85.5, indicator: true },
    { kind: 'categorical', name: 'city', values: ['Paris', 'Zürich', 'say "hi", 東京'] },
    { kind: 'numeric', name: 'built', mean: 1987.3, scale: 12, fill: 1990, indicator: false },
  ],
  target: { kind: 'number', name: 'price', mean: 412_345.5, scale: 98_765 },
}

export const flowers: TableEncoding = {
  ...houses,
  target: { kind: 'class', name: 'kind', values: ['rose', 'tulip', 'lis', 'Ölbaum'] },
}

export const digits: ImageEncoding = {
  v: 1,
  kind: 'idx',
  width: 4,
  height: 3,
  target: { kind: 'class', name: 'label', values: ['0', '1', '7'] },
}

export const shapes: ImageEncoding = {
  v: 1,
  kind: 'images',
  width: 4,
  height: 3,
  channels: 3,
  target: { kind: 'class', name: 'class', values: ['circle', 'cross'] },
}

export const facts: TrainingFacts = {
  rounds: [
    { round: 1, loss: 1.25, used: 2 },
    { round: 2, loss: 0.75, used: 3 },
  ],
  providers: 3,
  rows: 4_321,
  seconds: 12,
  sats: { quoted: 100, locked: 90, paid: 80, refunded: 10, fees: 4 },
  practice: true,
}

export function specFor(encoding: Encoding, hidden = [6]): SpecOf<'mlp'> {
  const classes = encoding.target.kind === 'class' ? encoding.target.values.length : undefined
  return {
    recipe: 'mlp',
    model: { inputs: inputsOf(encoding), hidden, outputs: classes ?? 1 },
    task: classes === undefined ? 'regression' : 'classification',
    input:
      encoding.kind !== 'table'
        ? { dtype: 'u8', scale: 1 / 255, shift: 0 }
        : { dtype: 'f32', scale: 1, shift: 0 },
    batch: 8,
    optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0, weightDecay: 0 },
  }
}

/** Writes weights and a holdout of `rows` rows into `folder`. */
export async function ingredients(
  folder: string,
  encoding: Encoding,
  rows = 40,
  seed = 1,
): Promise<ExportOptions & { spec: SpecOf<'mlp'> }> {
  const spec = specFor(encoding)
  const { inputs, outputs } = spec.model
  const [weights, holdout] = [join(folder, 'weights.safetensors'), join(folder, 'holdout.safetensors')]
  await writeSafetensors(weights, initialWeights(spec, seed))
  const wave = (n: number) => Float32Array.from({ length: n }, (_, i) => Math.sin(i * (i + seed)))
  const labels = Int32Array.from({ length: rows }, (_, i) => (i * i) % outputs)
  const x =
    encoding.kind !== 'table'
      ? {
          dtype: 'U8' as const,
          shape: [rows, inputs],
          data: Uint8Array.from({ length: rows * inputs }, (_, i) => i * 37),
        }
      : f32([rows, inputs], wave(rows * inputs))
  const y =
    spec.task === 'classification'
      ? { dtype: 'I32' as const, shape: [rows], data: labels }
      : f32([rows, 1], wave(rows))
  await writeSafetensors(holdout, new Map(Object.entries({ x, y })))
  return { spec, weights, holdout, encoding, training: facts, out: join(folder, 'model') }
}

export async function smallModel(
  folder: string,
  encoding: Encoding,
): Promise<ExportOptions & { spec: SpecOf<'mlp'> }> {
  const options = await ingredients(folder, encoding)
  await exportModel(options)
  return options
}
