import type { ClassCount, InspectOptions, Problem, RowsInspection } from '../types.ts'
import { type ScannedImages, scanImages } from './scan.ts'
import { chooseSize } from './size.ts'
import type { ImageSource } from './source.ts'

const RARE = 10
const MOST_CLASSES = 1_000
const UNEQUAL = 10

/** What a folder or archive of images holds. */
export const inspectImages = async (source: ImageSource, options: InspectOptions): Promise<RowsInspection> =>
  imagesInspection(await scanImages(source, options), options)

export function imagesInspection(scanned: ScannedImages, { images }: InspectOptions): RowsInspection {
  const counts = classCounts(scanned)
  const size = scanned.images.length > 0 ? chooseSize(scanned.images, images) : undefined
  return {
    path: scanned.path,
    format: 'images',
    ...(size ? { images: { ...size, testRows: 0 } } : {}),
    rows: scanned.images.length,
    columns: [],
    target: 'class',
    targetWhy: 'The folder that an image lies in is its class.',
    task: 'classification',
    taskWhy: 'Folders are names without an order.',
    classes: counts,
    preview: {
      columns: ['image', 'class', 'pixels'],
      rows: scanned.images
        .slice(0, 5)
        .map(({ file, width, height, grey }) => [
          file.name,
          file.label,
          `${width} × ${height}, ${grey ? 'grey' : 'colour'}`,
        ]),
    },
    problems: [...scanned.problems, ...balanceProblems(counts)],
  }
}

/** Most frequent first. */
function classCounts({ images, classes }: ScannedImages): ClassCount[] {
  const counts = new Map(classes.map(name => [name, 0]))
  for (const { file } of images) counts.set(file.label, (counts.get(file.label) ?? 0) + 1)
  return [...counts].map(([name, rows]) => ({ name, rows })).sort((a, b) => b.rows - a.rows)
}

function balanceProblems(counts: readonly ClassCount[]): Problem[] {
  const [most] = counts
  const least = counts.at(-1)
  if (!most || !least || counts.length < 2)
    return [
      {
        code: 'dataset/single-class',
        severity: 'error',
        message: `Images that can be read lie in ${counts.length === 1 ? 'one class folder' : 'no class folder'} only: there is nothing to tell apart.`,
        fix: 'Put the images of each class into a folder with the class’s name.',
      },
    ]
  if (counts.length > MOST_CLASSES)
    return [
      {
        code: 'dataset/too-many-classes',
        severity: 'error',
        message: `There are ${counts.length} class folders, more than ${MOST_CLASSES}.`,
        fix: 'Put related classes together.',
      },
    ]
  if (least.rows >= RARE && most.rows < UNEQUAL * least.rows) return []
  return [
    {
      code: 'dataset/classes-unequal',
      severity: 'warning',
      message: `Class "${least.name}" has ${least.rows} images, "${most.name}" ${most.rows}: the model will rarely answer the former.`,
      fix: 'Add images to small classes, or leave them out.',
    },
  ]
}
