import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { UserError } from '../../../shared/errors.ts'
import type { Block } from '../cells/column.ts'
import { encodeFeature } from '../encode.ts'
import { type TableEncoding, widthOf } from '../encoding.ts'
import { groupRows } from '../group.ts'
import { inferTable } from '../infer/infer.ts'
import { checkTarget } from '../known.ts'
import { ENCODING, HOLDOUT, intoFolder, movedTo, writeBuckets } from '../output.ts'
import { answered, type ShardWriter } from '../shards.ts'
import { NONE } from '../split.ts'
import type { Scanned } from '../table/scan.ts'
import type { Spool } from '../table/spool.ts'
import type { PreparedRows, PrepareOptions, RowsInspection, Task } from '../types.ts'
import { makePlan, type Plan } from './plan.ts'

/**
 * @param given  the encoding of a model that goes on learning
 * @throws UserError for the first problem that makes training impossible
 */
export async function prepareTable(
  scanned: Scanned,
  options: PrepareOptions,
  given?: TableEncoding,
): Promise<PreparedRows> {
  if (given) checkTarget(options.target, given.target.name, options.path)
  const inspection = inferTable(scanned, given ? { ...options, ...answerIn(given) } : options)
  refuseErrors(inspection, given !== undefined)
  const spool = scanned.spool! // prepare scans with `keep`
  const plan = makePlan(scanned, spool, inspection, options, given)
  return intoFolder(options.out, async folder => {
    const tensors = answered([plan.inputs], 'F32', plan.encoding.target.kind === 'class' ? 'I32' : 'F32')
    const written = await writeBuckets(folder, plan.sizes, tensors, writers =>
      feed(spool, plan, writers, options.signal),
    )
    await writeFile(join(folder, ENCODING), JSON.stringify(plan.encoding))
    const [holdout, ...shards] = written.map(shard => movedTo(options.out, shard))
    const { target } = plan.encoding
    const result: PreparedRows = {
      kind: 'rows',
      task: target.kind === 'class' ? 'classification' : 'regression',
      target: target.name,
      inputs: plan.inputs,
      outputs: target.kind === 'class' ? target.values.length : 1,
      input: { dtype: 'f32', scale: 1, shift: 0 },
      ...(target.kind === 'class' ? { classes: target.values } : {}),
      rows: written.reduce((total, { rows }) => total + rows, 0),
      holdoutRows: holdout!.rows, // bucket 0 is always there
      shards,
      holdout: join(options.out, HOLDOUT),
      encoding: join(options.out, ENCODING),
      inspection,
    }
    return { files: [...written.map(({ path }) => basename(path)), ENCODING], result }
  })
}

const answerIn = ({ target }: TableEncoding): { target: string; task: Task } => ({
  target: target.name,
  task: target.kind === 'class' ? 'classification' : 'regression',
})

/** @param given  a model says which columns it looks at, whatever they seem to be here */
function refuseErrors({ problems, path }: RowsInspection, given: boolean): void {
  const worst = problems.find(
    ({ severity, code }) => severity === 'error' && !(given && code === 'dataset/no-features'),
  )
  if (worst) throw new UserError(worst.code, { message: worst.message, fix: worst.fix, where: path })
}

async function feed(spool: Spool, plan: Plan, writers: ShardWriter[], signal?: AbortSignal): Promise<void> {
  let index = 0
  for (const block of spool.blocks()) {
    signal?.throwIfAborted()
    await pushBlock(block, plan.buckets[index++]!, plan, writers)
    await setImmediate()
  }
}

async function pushBlock(
  block: Block,
  buckets: Int32Array,
  plan: Plan,
  writers: ShardWriter[],
): Promise<void> {
  const width = plan.inputs
  const { place, start } = groupRows(buckets, writers.length, NONE)
  const used = start[writers.length]!
  const x = new Float32Array(used * width)
  let offset = 0
  for (const { feature, at, slots } of plan.features) {
    const column = block.columns[at]!
    encodeFeature(feature, slots ? slotsOf(column, slots) : column, offset, { x, width, place })
    offset += widthOf(feature)
  }
  const y = answersOf(block, plan, place, used)
  for (const [bucket, writer] of writers.entries()) {
    const [from, to] = [start[bucket]!, start[bucket + 1]!]
    if (to > from) await writer.push(x.subarray(from * width, to * width), y.subarray(from, to))
  }
}

function slotsOf(codes: Float64Array | Int32Array, slots: Int32Array): Int32Array {
  const result = new Int32Array(codes.length)
  for (let i = 0; i < codes.length; i++) result[i] = codes[i]! < 0 ? -1 : slots[codes[i]!]!
  return result
}

function answersOf(block: Block, plan: Plan, place: Int32Array, used: number): Int32Array | Float32Array {
  const { target } = plan.encoding
  const y = target.kind === 'class' ? new Int32Array(used) : new Float32Array(used)
  const values = target.kind === 'class' ? plan.strata.of(block) : block.columns[plan.target]!
  for (let i = 0; i < place.length; i++) {
    if (place[i]! < 0) continue
    y[place[i]!] =
      target.kind === 'class' ? plan.classOf[values[i]!]! : (values[i]! - target.mean) / target.scale
  }
  return y
}
