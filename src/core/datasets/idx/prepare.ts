import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import type { ImageEncoding } from '../encoding.ts'
import { pushGrouped } from '../grouped.ts'
import { checkSize, classesAmong } from '../known.ts'
import { ENCODING, HOLDOUT, intoFolder, movedTo, writeBuckets } from '../output.ts'
import { answered, type ShardWriter } from '../shards.ts'
import { assigner, bucketSizes, planSplit, type Quotas } from '../split.ts'
import type { PreparedRows, PrepareOptions } from '../types.ts'
import { classesOf, type IdxDataset, type IdxPart, inspectIdx, openIdxDataset, withIdx } from './dataset.ts'
import type { IdxFolder } from './folder.ts'

/**
 * Shards of images as they are: `x` u8 [n, height·width], `y` i32 [n]. The dataset's own test set is the holdout when
 * it has one; else a part of every class.
 */
export async function prepareIdx(
  folder: IdxFolder,
  options: PrepareOptions,
  given?: ImageEncoding,
): Promise<PreparedRows> {
  refuseOtherTask(options)
  const data = await openIdxDataset(folder)
  const { width, height } = data.train
  checkSize(given, { width, height, channels: 1 }, options.path)
  const names = classesOf(data.counts).map(({ name }) => name)
  const encoding: ImageEncoding = given ?? {
    v: 1,
    kind: 'idx',
    width,
    height,
    target: { kind: 'class', name: 'label', values: names },
  }
  const classes = encoding.target.values
  const places = classesAmong(names, classes, options.path)
  const quotas = planSplit(
    classesOf(data.counts).map(({ rows }) => rows),
    options.shards,
    data.test ? 0 : options.holdout,
    options.seed,
    options.skew,
  )
  return intoFolder(options.out, async temporary => {
    const written = await writeAll(temporary, data, places, quotas, options)
    await writeFile(join(temporary, ENCODING), JSON.stringify(encoding))
    const [holdout, ...shards] = written.map(shard => movedTo(options.out, shard))
    const result: PreparedRows = {
      kind: 'rows',
      task: 'classification',
      target: encoding.target.name,
      inputs: width * height,
      outputs: classes.length,
      input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
      image: { width, height, channels: 1 },
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
function writeAll(
  folder: string,
  data: IdxDataset,
  places: Int32Array,
  quotas: Quotas,
  options: PrepareOptions,
) {
  const sizes = bucketSizes(quotas)
  if (data.test) sizes[0] = data.test.labels.length
  const tensors = answered([data.train.width * data.train.height], 'U8', 'I32')
  const strata = Int32Array.from(data.counts, (_, label) => classesOf(data.counts.slice(0, label)).length)
  return writeBuckets(folder, sizes, tensors, async writers => {
    if (data.test)
      await feed(
        data.test,
        { strata, places },
        classes => new Int32Array(classes.length),
        writers,
        options.signal,
      )
    await feed(data.train, { strata, places }, assigner(quotas, options.seed), writers, options.signal)
  })
}

/** @param of  stratum of each label, which need not be 0, 1, 2… without a gap, and class of each stratum */
async function feed(
  part: IdxPart,
  of: { strata: Int32Array; places: Int32Array },
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
      const strata = Int32Array.from(part.labels.subarray(row, row + count), label => of.strata[label]!)
      row += count
      const tensors = [
        { values: images, width: size },
        { values: strata.map(stratum => of.places[stratum]!), width: 1 },
      ]
      await pushGrouped(tensors, bucketsOf(strata), writers)
    }
  })
}
