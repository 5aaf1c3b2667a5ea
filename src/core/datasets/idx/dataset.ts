import { UserError } from '../../../shared/errors.ts'
import type { ClassCount, Problem, RowsInspection } from '../types.ts'
import { type IdxFile, openIdx } from './file.ts'
import type { IdxFolder, IdxPair } from './folder.ts'

export interface IdxPart {
  images: string
  width: number
  height: number
  labels: Uint8Array
}

export interface IdxDataset {
  train: IdxPart
  test: IdxPart | undefined
  /** Rows of each label in the training part; index is the label. */
  counts: number[]
}

/** Reads headers and labels (one byte a row), and checks that images and labels agree. @throws UserError */
export async function openIdxDataset(folder: IdxFolder): Promise<IdxDataset> {
  const train = await openPart(folder.train)
  const test = folder.test && (await openPart(folder.test))
  if (test && (test.width !== train.width || test.height !== train.height)) {
    throw new UserError('dataset/idx-mismatch', {
      message: `Test images are ${test.width} × ${test.height}, training images ${train.width} × ${train.height}.`,
      fix: 'Use test images of the same size, or take them out of the folder.',
      where: test.images,
    })
  }
  const counts = countLabels(train.labels)
  if (counts.filter(n => n > 0).length < 2) {
    throw new UserError('dataset/single-class', {
      message: 'All images have the same label: there is nothing to tell apart.',
      fix: 'Use a dataset with at least two classes.',
      where: folder.train.labels,
    })
  }
  const unknown = test ? test.labels.findIndex(label => !counts[label]) : -1
  if (test && unknown >= 0) {
    throw new UserError('dataset/idx-mismatch', {
      message: `Test image ${unknown + 1} has the label ${test.labels[unknown]}, which no training image has.`,
      fix: 'Use test and training files of the same dataset.',
      where: folder.test!.labels, // the folder's test part was opened above
    })
  }
  return { train, test, counts }
}

async function openPart({ images, labels }: IdxPair): Promise<IdxPart> {
  const shape = await withIdx(images, async file => file.shape)
  const [items = 0, height, width] = shape
  if (!height || !width || items === 0) disagree(images, `it has the shape ${shape.join(' × ')}, not images`)
  const values = await withIdx(labels, async file => {
    if (file.shape.length !== 1 || file.shape[0] !== items)
      disagree(labels, `${items} images go with labels of the shape ${file.shape.join(' × ')}`)
    const all = new Uint8Array(items)
    let at = 0
    for await (const piece of file.items()) {
      all.set(piece, at)
      at += piece.length
    }
    return all
  })
  return { images, width, height, labels: values }
}

export async function withIdx<T>(path: string, use: (file: IdxFile) => Promise<T>): Promise<T> {
  const file = await openIdx(path)
  try {
    return await use(file)
  } finally {
    file.close()
  }
}

function countLabels(labels: Uint8Array): number[] {
  const counts = new Array<number>(256).fill(0)
  for (const label of labels) counts[label]!++
  return counts.slice(0, counts.findLastIndex(n => n > 0) + 1)
}

/** Labels in use, in order: the classes' names and the rows of each. */
export const classesOf = (counts: readonly number[]): ClassCount[] =>
  counts.map((rows, label) => ({ name: String(label), rows })).filter(({ rows }) => rows > 0)

export function inspectIdx(path: string, { train, test, counts }: IdxDataset): RowsInspection {
  const classes = classesOf(counts).sort((a, b) => b.rows - a.rows)
  const problems: Problem[] = []
  return {
    path,
    format: 'idx',
    images: { width: train.width, height: train.height, channels: 1, testRows: test?.labels.length ?? 0 },
    rows: train.labels.length,
    columns: [],
    target: 'label',
    targetWhy: 'IDX label files hold the answer for each image.',
    task: 'classification',
    taskWhy: 'Labels are whole numbers without an order.',
    classes,
    preview: {
      columns: ['image', 'label'],
      rows: Array.from(train.labels.subarray(0, 5), (label, i) => [
        `${i + 1} (${train.width} × ${train.height})`,
        String(label),
      ]),
    },
    problems,
  }
}

function disagree(path: string, what: string): never {
  throw new UserError('dataset/idx-mismatch', {
    message: `Images and labels do not go together: ${what}.`,
    fix: 'Use image and label files of the same dataset and part.',
    where: path,
  })
}
