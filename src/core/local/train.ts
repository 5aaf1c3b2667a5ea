import { rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../shared/errors.ts'
import type { Caller, GradstrTasks, Output, Progress } from '../compute/index.ts'
import type { Prepared } from '../datasets/index.ts'
import { checkOut, type ModelReport, type TextReport } from '../models/index.ts'
import {
  elements,
  modelOf,
  parameterCount,
  RUNTIME,
  type TrainingSpec,
  trainingMemory,
} from '../training/index.ts'
import { type Base, checkDataset, endless, openBase } from './base.ts'
import { type Begun, emptied, readBegun, workFolder, writeBegun } from './folder.ts'
import { checkMemory, microBatchIn } from './memory.ts'
import type { LocalOrder } from './order.ts'
import { modelsFor, type Recipe, recipeOf } from './recipe.ts'

/** What will be done, before it begins. */
export interface LocalPlan extends Recipe {
  prepared: Prepared
  parameters: number
  /** Of the base, which are not trained. */
  frozen: number
  /** Bytes of the process, at the peak; an estimate. */
  memory: number
  /** Rows that go through the model at a time. */
  microBatch: number
  /** A run that was begun before goes on. */
  resumed: boolean
}

export interface LocalListener {
  onPlan?: (plan: LocalPlan) => void
  onProgress?: (progress: Progress<GradstrTasks['fit']>) => void
}

export interface LocalResult {
  plan: LocalPlan
  fitted: Output<GradstrTasks['fit']>
  report: ModelReport | TextReport
}

/**
 * A dataset in, a model folder out, on this machine alone. Aborting it leaves a checkpoint, and the same order goes on
 * from there.
 * @throws UserError `local/…`, `models/folder-taken`, `dataset/…`, `tokenizer/…`, `training/…`, `compute/cancelled`
 */
export async function trainLocally(
  order: LocalOrder,
  compute: Caller<GradstrTasks>,
  { onPlan, onProgress }: LocalListener = {},
  signal?: AbortSignal,
): Promise<LocalResult> {
  await checkOut(order.out)
  const folder = workFolder(order.out)
  const asked = await askedFor(order)
  const before = order.restart ? undefined : await readBegun(folder, asked)
  const begun = before ?? (await begin(order, asked, folder, compute, signal))
  const plan = planOf(begun, order, before !== undefined)
  onPlan?.(plan)
  const { microBatch } = begun
  const { spec, steps, every } = begun.recipe
  const fitted = await compute.run(
    'fit',
    {
      ...{ spec, steps, every, microBatch, seed: begun.seed, ...computing(order) },
      ...{ weights: join(folder, 'first.safetensors'), out: join(folder, 'trained.safetensors') },
      ...{ data: begun.prepared.shards[0]!.path, validation: begun.prepared.holdout }, // one shard was asked for
      folder: join(folder, 'checkpoints'),
      ...baseOf(order, spec),
    },
    { ...(signal ? { signal } : {}), ...(onProgress ? { onProgress } : {}) },
  )
  const report = await written(order, begun, fitted, folder, compute)
  await rm(folder, { recursive: true, force: true })
  return { plan, fitted, report }
}

/** Adapters need their base at every step; without them it is where the weights begin. */
const baseOf = ({ base }: LocalOrder, spec: TrainingSpec): { base?: string } =>
  base !== undefined && spec.task === 'language' && spec.adapter ? { base } : {}

const computing = ({ engine, threads, gentle }: LocalOrder) => ({
  ...(engine === undefined ? {} : { engine }),
  ...(threads === undefined ? {} : { threads }),
  ...(gentle === undefined ? {} : { gentle }),
})

/** What decides the arithmetic, the dataset's size and time of change among it. */
async function askedFor(order: LocalOrder): Promise<string> {
  const {
    out: _,
    engine: _engine,
    threads: _threads,
    gentle: _gentle,
    room: _room,
    restart: _restart,
    ...decisive
  } = order
  const found = await stat(order.dataset).catch(() => undefined)
  return JSON.stringify([
    Object.entries(decisive).sort(([a], [b]) => (a < b ? -1 : 1)),
    found?.size ?? null,
    found?.mtimeMs ?? null,
  ])
}

async function begin(
  order: LocalOrder,
  asked: string,
  folder: string,
  compute: Caller<GradstrTasks>,
  signal?: AbortSignal,
): Promise<Begun> {
  const base = order.base === undefined ? undefined : await openBase({ ...order, base: order.base })
  await emptied(folder)
  try {
    const begun = { asked, seed: order.seed, ...(await planned(order, base, folder, compute, signal)) }
    await writeBegun(folder, begun)
    return begun
  } catch (error) {
    // Without a plan there is nothing that could be gone on with.
    await rm(folder, { recursive: true, force: true })
    throw endless(error, base)
  }
}

async function planned(
  order: LocalOrder,
  base: Base | undefined,
  folder: string,
  compute: Caller<GradstrTasks>,
  signal?: AbortSignal,
): Promise<Pick<Begun, 'prepared' | 'recipe' | 'microBatch'>> {
  const { dataset, seed } = order
  const options = signal ? { signal } : {}
  const asked = { ...reading(order, base), out: join(folder, 'data') }
  const prepared = await compute.run('prepare', asked, options)
  checkDataset(base, prepared.kind, dataset)
  refuseModel(order, prepared)
  const recipe = recipeOf(prepared, order, base)
  checkMemory(recipe.spec)
  const first = { spec: recipe.spec, seed, out: join(folder, 'first.safetensors') }
  const adapts = baseOf(order, recipe.spec).base !== undefined
  await compute.run(
    'initialWeights',
    { ...first, ...(base && !adapts ? { base: base.folder } : {}) },
    options,
  )
  return { prepared, recipe, microBatch: microBatchIn(order, recipe.spec, prepared.rows) }
}

/** How the dataset is to be read: in the base's tokens, or its way of making numbers of rows. */
function reading({ dataset, as, target, task, text, seed }: LocalOrder, base: Base | undefined) {
  const asked = { path: dataset, as, target, task, text, shards: 1, seed }
  if (base?.kind === 'rows') return { ...asked, encoding: base.encoding }
  if (base?.kind !== 'text') return asked
  const longest = base.architecture.model.context
  return { ...asked, text: { ...text, tokenizer: base.folder, longest } }
}

function refuseModel({ model, dataset }: LocalOrder, prepared: Prepared): void {
  const fitting = modelsFor(prepared)
  if (model === undefined || fitting.includes(model)) return
  const kind = prepared.kind === 'text' ? 'a text' : fitting.includes('cnn') ? 'images' : 'a table'
  throw new UserError('local/model', {
    message: `"${model}" does not learn from ${kind}.`,
    fix: `Leave --model out, or choose ${fitting.join(' or ')}.`,
    where: dataset,
  })
}

const planOf = (
  { recipe, prepared, microBatch }: Begun,
  { engine }: LocalOrder,
  resumed: boolean,
): LocalPlan => ({
  ...recipe,
  prepared,
  parameters: parameterCount(recipe.spec),
  frozen: modelOf(recipe.spec).frozen.reduce((sum, { shape }) => sum + elements(shape), 0),
  memory: RUNTIME + trainingMemory(recipe.spec, prepared.rows, { engine, microBatch }).process,
  microBatch,
  resumed,
})

async function written(
  order: LocalOrder,
  { prepared, recipe: { spec } }: Begun,
  { steps, curve, seconds }: LocalResult['fitted'],
  folder: string,
  compute: Caller<GradstrTasks>,
): Promise<LocalResult['report']> {
  const { out, title, threads } = order
  const rows = prepared.rows - prepared.holdoutRows
  const training = { local: { steps, batch: spec.batch, curve }, rows, seconds }
  const shared = {
    ...{ weights: join(folder, 'trained.safetensors'), holdout: prepared.holdout, training, out },
    ...(title === undefined ? {} : { title }),
    ...(threads === undefined ? {} : { threads }),
  }
  if (prepared.kind === 'text') {
    const { tokenizer, layout } = prepared
    const asked = { ...shared, ...baseOf(order, spec), spec, tokenizer, layout }
    return (await compute.run('exportText', asked)).report
  }
  if (spec.task === 'language') throw new TypeError('rows were planned as a text')
  return (await compute.run('export', { ...shared, spec, encoding: prepared.encoding })).report
}
