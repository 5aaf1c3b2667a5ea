import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import type { ImageEncoding } from '../encoding.ts'
import { groupRows } from '../group.ts'
import { ENCODING, HOLDOUT, intoFolder, movedTo, writeBuckets } from '../output.ts'
import type { ShardWriter } from '../shards.ts'
import { assigner, bucketSizes, NONE, planSplit, type Quotas } from '../split.ts'
import type { Prepared, PrepareOptions } from '../types.ts'
import { classesOf, type IdxDataset, type IdxPart, inspectIdx, openIdxDataset, withIdx } from './dataset.ts'
import type { IdxFolder } from './folder.ts'

/**
 * Shards of images as they are: `x` u8 [n, height·width], `y` i32 [n]. The dataset's own test set is the holdout when
 * it has one; else a part of every class.
 */
export async function prepareIdx(folder: IdxFolder, options: PrepareOptions): Promise<Prepared> {
  refuseOtherTask(options)
  const data = await openIdxDataset(folder)
  const classes = classesOf(data.counts).map(({ name }) => name)
  const { width, height } = data.train
  const encoding: ImageEncoding = {
    v: 1,
    kind: 'idx',
    width,
    height,
    target: { kind: 'class', name: 'label', values: classes },
  }
  const quotas = planSplit(
    classesOf(data.counts).map(({ rows }) => rows),
    options.shards,
    data.test ? 0 : options.holdout,
    options.seed,
    options.skew,
  )
  return intoFolder(options.out, async temporary => {
    const written = await writeAll(temporary, data, quotas, options)
    await writeFile(join(temporary, ENCODING), JSON.stringify(encoding))
    const [holdout, ...shards] = written.map(shard => movedTo(options.out, shard))
    const result: Prepared = {
      task: 'classification',
      target: 'label',
      inputs: width * height,
      outputs: classes.length,
      input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
      classes,
      rows: written.reduce((total, { rows }) => total + rows, 0),
      holdoutRows: holdout!.rows, // bucket 0 is always there
      shards,
      holdout: join(options.out, HOLDOUT),
      encoding: join(options.out, ENCODING),
      inspection: inspectIdx(options.path, data),
    }
    return { files: [...written.map(shard => shard.path.slice(temporary.length + 1)), ENCODING], result }
  })
}

function refuseOtherTask({ task, target, path }: PrepareOptions): void {
  if (task === 'regression' || (target !== undefined && target !== 'label')) {
    throw new UserError('dataset/idx-task', {
      message: 'IDX files hold images and one label for each: only the label can be learned, as classes.',
      fix: 'Leave out the target and the task.',
      where: path,
    })
  }
}

/** The files of one set: with a test set, bucket 0 is fed from it and gets its size. */
function writeAll(folder: string, data: IdxDataset, quotas: Quotas, options: PrepareOptions) {
  const sizes = bucketSizes(quotas)
  if (data.test) sizes[0] = data.test.labels.length
  const shape = { inputs: data.train.width * data.train.height, x: 'U8', y: 'I32' } as const
  const classOf = Int32Array.from(data.counts, (_, label) => classesOf(data.counts.slice(0, label)).length)
  return writeBuckets(folder, sizes, shape, async writers => {
    if (data.test)
      await feed(data.test, classOf, classes => new Int32Array(classes.length), writers, options.signal)
    await feed(data.train, classOf, assigner(quotas, options.seed), writers, options.signal)
  })
}

/** @param classOf  class number of each label: labels need not be 0, 1, 2… without a gap */
async function feed(
  part: IdxPart,
  classOf: Int32Array,
  bucketsOf: (strata: Int32Array) => Int32Array,
  writers: ShardWriter[],
  signal?: AbortSignal,
): Promise<void> {
  const size = part.width * part.height
  let row = 0
  await withIdx(part.images, async file => {
    for await (const images of file.items()) {
      signal?.throwIfAborted()
      const count = images.length / size
      const classes = Int32Array.from(part.labels.subarray(row, row + count), label => classOf[label]!)
      row += count
      await pushGrouped(images, classes, size, bucketsOf, writers)
    }
  })
}

async function pushGrouped(
  images: Uint8Array,
  classes: Int32Array,
  size: number,
  bucketsOf: (strata: Int32Array) => Int32Array,
  writers: ShardWriter[],
): Promise<void> {
  const buckets = bucketsOf(classes)
  const { place, start } = groupRows(buckets, writers.length, NONE)
  const x = new Uint8Array(images.length)
  const y = new Int32Array(classes.length)
  for (let i = 0; i < classes.length; i++) {
    const at = place[i]!
    x.set(images.subarray(i * size, (i + 1) * size), at * size)
    y[at] = classes[i]!
  }
  for (const [bucket, writer] of writers.entries()) {
    const [from, to] = [start[bucket]!, start[bucket + 1]!]
    if (to > from) await writer.push(x.subarray(from * size, to * size), y.subarray(from, to))
  }
}
