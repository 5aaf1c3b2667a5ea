import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import { channelsOf, type ImageEncoding } from '../encoding.ts'
import { pushGrouped } from '../grouped.ts'
import { inOrder } from '../in-order.ts'
import { classesAmong } from '../known.ts'
import { ENCODING, HOLDOUT, intoFolder, movedTo, writeBuckets } from '../output.ts'
import { answered, type ShardWriter } from '../shards.ts'
import { assigner, bucketSizes, planSplit, type Quotas } from '../split.ts'
import type { PreparedRows, PrepareOptions } from '../types.ts'
import { pixelsOf, type Size } from './decode.ts'
import { imagesInspection } from './inspect.ts'
import { type ScannedImages, scanImages } from './scan.ts'
import { chooseSize } from './size.ts'
import type { ImageSource } from './source.ts'

const TOGETHER = 256

/**
 * Shards of images: `x` u8 `[n, channels, height, width]`, `y` i32 `[n]`, the place of the class among the folders' names. A
 * part of every class is kept back.
 * @throws UserError for the first problem that makes training impossible
 */
export async function prepareImages(
  source: ImageSource,
  options: PrepareOptions,
  given?: ImageEncoding,
): Promise<PreparedRows> {
  refuseOtherTask(options)
  const scanned = await scanImages(source, options)
  const inspection = imagesInspection(scanned, options)
  const worst = inspection.problems.find(({ severity }) => severity === 'error')
  if (worst) throw new UserError(worst.code, { message: worst.message, fix: worst.fix, where: options.path })
  const { images } = scanned
  const size = given ? sizeOf(given) : chosenSize(scanned, options)
  const encoding = given ?? encodingOf(size, scanned.classes)
  const classes = encoding.target.values
  const places = classesAmong(scanned.classes, classes, options.path)
  const strata = Int32Array.from(images, ({ file }) => scanned.classes.indexOf(file.label))
  const counts = scanned.classes.map((_, i) => strata.filter(stratum => stratum === i).length)
  const quotas = planSplit(counts, options.shards, options.holdout, options.seed, options.skew)
  return intoFolder(options.out, async folder => {
    const { width, height, channels } = size
    const tensors = answered([channels, height, width], 'U8', 'I32')
    const written = await writeBuckets(folder, bucketSizes(quotas), tensors, writers =>
      feed(scanned, { strata, places }, size, quotas, writers, options),
    )
    await writeFile(join(folder, ENCODING), JSON.stringify(encoding))
    const [holdout, ...shards] = written.map(shard => movedTo(options.out, shard))
    const result: PreparedRows = {
      kind: 'rows',
      task: 'classification',
      target: encoding.target.name,
      inputs: channels * height * width,
      outputs: classes.length,
      input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
      image: size,
      classes,
      rows: images.length,
      holdoutRows: holdout!.rows, // bucket 0 is always there
      shards,
      holdout: join(options.out, HOLDOUT),
      encoding: join(options.out, ENCODING),
      inspection,
    }
    return { files: [...written.map(({ path }) => basename(path)), ENCODING], result }
  })
}

const sizeOf = (given: ImageEncoding): Size => ({
  width: given.width,
  height: given.height,
  channels: channelsOf(given),
})

function chosenSize({ images }: ScannedImages, options: PrepareOptions): Size {
  const { width, height, channels } = chooseSize(images, options.images)
  return { width, height, channels }
}

/** Grey images are those of IDX files. */
function encodingOf({ width, height, channels }: Size, values: string[]): ImageEncoding {
  const target = { kind: 'class' as const, name: 'class', values }
  return channels === 1
    ? { v: 1, kind: 'idx', width, height, target }
    : { v: 1, kind: 'images', width, height, channels, target }
}

function refuseOtherTask({ task, target, path }: PrepareOptions): void {
  if (task !== 'regression' && (target === undefined || target === 'class')) return
  throw new UserError('dataset/images-task', {
    message: 'Images lie in class folders: only the class can be learned.',
    fix: 'Leave out the target and the task.',
    where: path,
  })
}

async function feed(
  { images }: ScannedImages,
  { strata, places }: { strata: Int32Array; places: Int32Array },
  size: Size,
  quotas: Quotas,
  writers: readonly ShardWriter[],
  { signal, path, seed }: PrepareOptions,
): Promise<void> {
  const bucketsOf = assigner(quotas, seed)
  const width = size.channels * size.height * size.width
  let row = 0
  let x = new Uint8Array(TOGETHER * width)
  let held = 0
  const push = async () => {
    const own = strata.slice(row - held, row)
    const tensors = [
      { values: x.subarray(0, held * width), width },
      { values: own.map(stratum => places[stratum]!), width: 1 },
    ]
    await pushGrouped(tensors, bucketsOf(own), writers)
    x = new Uint8Array(TOGETHER * width)
    held = 0
  }
  const decoded = inOrder(
    images,
    async ({ file }) => pixelsOf(await file.read(), size).catch(cause => changed(file.name, path, cause)),
    signal,
  )
  for await (const { result } of decoded) {
    x.set(result, held * width)
    row++
    if (++held === TOGETHER) await push()
  }
  if (held > 0) await push()
}

/** It could be read a moment ago. */
function changed(name: string, path: string, cause: unknown): never {
  throw new UserError('dataset/changed', {
    message: `"${name}" changed while it was read.`,
    fix: 'Wait until nothing writes to the images, and try again.',
    where: path,
    cause,
  })
}
