import { UserError } from '../../../shared/errors.ts'

/** One image file, in a folder or an archive, that has not been looked at. */
export interface ImageFile {
  /** Path inside the folder or archive. */
  name: string
  /** The folder that it lies in. */
  label: string
  read(): Promise<Buffer>
}

export interface ImageSource {
  path: string
  /** In the order of their names. */
  files: ImageFile[]
  close(): void
}

const IMAGE = /\.(png|jpe?g|webp)$/i
/** What systems put beside the files that people mean. */
const HIDDEN = /(^|\/)(\.|__MACOSX\/|Thumbs\.db$)/

export const isImage = (name: string): boolean => IMAGE.test(name) && !HIDDEN.test(name)

/**
 * The folder of each image, without what is around all of them: an archive often has one folder with everything in it.
 * @param names  paths with `/`
 * @returns undefined when the images do not lie in class folders
 * @throws UserError `dataset/images-parts`
 */
export function labelsOf(names: readonly string[], where: string): string[] | undefined {
  let paths = names.map(name => name.split('/'))
  while (paths.length > 0 && paths.every(path => path.length > 2 && path[0] === paths[0]?.[0]))
    paths = paths.map(path => path.slice(1))
  const labels = paths.map(path => (path.length > 1 ? path[0]! : undefined))
  if (labels.length === 0 || !labels.every(label => label !== undefined)) return undefined
  refuseParts(new Set(labels), where)
  return labels
}

const PARTS = /^(train|training|test|testing|val|valid|validation)$/i

function refuseParts(labels: ReadonlySet<string>, where: string): void {
  if (![...labels].every(label => PARTS.test(label))) return
  throw new UserError('dataset/images-parts', {
    message: `The images are already divided (${[...labels].join(', ')}); the class folders lie deeper.`,
    fix: 'Give the folder of the training images alone: a part of it is kept back for the test.',
    where,
  })
}
