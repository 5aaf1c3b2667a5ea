import { createHash } from 'node:crypto'
import { inOrder } from '../in-order.ts'
import type { Problem, Resources } from '../types.ts'
import { type Look, look } from './decode.ts'
import type { ImageFile, ImageSource } from './source.ts'

export interface Seen extends Look {
  file: ImageFile
}

export interface ScannedImages {
  path: string
  /** Those that can be used, in order; copies are left out. */
  images: Seen[]
  /** Names of the classes, in order. */
  classes: string[]
  problems: Problem[]
}

interface Unreadable {
  name: string
  why: string
}

/** Decodes every image once: what cannot be read is named here and left out. */
export async function scanImages(source: ImageSource, { signal }: Resources): Promise<ScannedImages> {
  const unreadable: Unreadable[] = []
  const images: Seen[] = []
  const first = new Map<string, Seen>()
  const copies = { same: 0, other: 0, example: '' }
  const looked = inOrder(source.files, file => examine(file), signal)
  for await (const { item: file, result } of looked) {
    if ('why' in result) {
      unreadable.push({ name: file.name, why: result.why })
      continue
    }
    const original = first.get(result.hash)
    if (original) {
      copies[original.file.label === file.label ? 'same' : 'other']++
      copies.example ||= `"${file.name}" is "${original.file.name}"`
      continue
    }
    const seen = { file, width: result.width, height: result.height, grey: result.grey }
    first.set(result.hash, seen)
    images.push(seen)
  }
  const classes = [...new Set(images.map(({ file }) => file.label))].sort()
  const problems = [...unreadableProblem(unreadable), ...copiesProblem(copies)]
  return { path: source.path, images, classes, problems }
}

type Examined = (Look & { hash: string }) | { why: string }

/** A file that cannot be read is a finding, not a failure. */
async function examine(file: ImageFile): Promise<Examined> {
  try {
    const bytes = await file.read()
    return { ...(await look(bytes)), hash: createHash('sha256').update(bytes).digest('base64') }
  } catch (error) {
    return { why: error instanceof Error ? (error.message.split('\n', 1)[0] ?? '') : String(error) }
  }
}

const NAMED = 5

function unreadableProblem(unreadable: readonly Unreadable[]): Problem[] {
  if (unreadable.length === 0) return []
  const named = unreadable.slice(0, NAMED).map(({ name, why }) => `"${name}" (${why.slice(0, 80)})`)
  const more = unreadable.length > NAMED ? `, and ${unreadable.length - NAMED} more` : ''
  return [
    {
      code: 'dataset/images-unreadable',
      severity: 'warning',
      message: `Images that cannot be read and are left out, ${unreadable.length}: ${named.join(', ')}${more}.`,
      fix: 'Get those files again, or take them out.',
    },
  ]
}

function copiesProblem({
  same,
  other,
  example,
}: {
  same: number
  other: number
  example: string
}): Problem[] {
  if (same + other === 0) return []
  const contradiction = other > 0 ? ` In another class than the first: ${other}.` : ''
  const found = same + other === 1 ? '1 image is a copy' : `${same + other} images are copies`
  return [
    {
      code: 'dataset/images-copies',
      severity: other > 0 ? 'warning' : 'info',
      message: `${found} of another and left out, as a model should not be tested on what it was trained on (${example}).${contradiction}`,
      fix: other > 0 ? 'Decide which class they belong to.' : 'Nothing has to be done.',
    },
  ]
}
