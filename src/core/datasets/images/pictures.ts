import { readdirSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { basename, join, relative, sep } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import { channelsOf, type ImageEncoding } from '../encoding.ts'
import { inOrder } from '../in-order.ts'
import { withSystemErrors } from '../system.ts'
import { pictureOf } from './decode.ts'
import { isImage } from './source.ts'

/** A picture for a model, decoded and cut to its size as in its training; or why it cannot be. */
export type Picture = { name: string } & ({ pixels: Uint8Array } | { why: string })

/**
 * One picture (PNG, JPEG, WebP), or all in a folder and the folders in it, in the order of their names.
 * `pixels`: `[height, width]` bytes, of a model of colours `[height, width, 3]`.
 * @throws UserError `dataset/not-found`, `dataset/no-images`
 */
export async function* readPictures(
  path: string,
  encoding: ImageEncoding,
  signal?: AbortSignal,
): AsyncGenerator<Picture> {
  const files = await withSystemErrors(path, async () => filesOf(path))
  const size = { width: encoding.width, height: encoding.height, channels: channelsOf(encoding) }
  const decoded = inOrder(
    files,
    ({ file }) =>
      readFile(file)
        .then(bytes => pictureOf(bytes, size))
        .then(
          pixels => ({ pixels }),
          (error: Error) => ({ why: error.message.split('\n', 1)[0] ?? '' }),
        ),
    signal,
  )
  for await (const { item, result } of decoded) yield { name: item.name, ...result }
}

function filesOf(path: string): { name: string; file: string }[] {
  const found = statSync(path, { throwIfNoEntry: false })
  if (!found) throw away(path)
  if (!found.isDirectory()) return [{ name: basename(path), file: path }]
  const files = readdirSync(path, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => join(entry.parentPath, entry.name))
    .map(file => ({ name: relative(path, file).split(sep).join('/'), file }))
    .filter(({ name }) => isImage(name))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
  if (files.length > 0) return files
  throw new UserError('dataset/no-images', {
    message: 'There are no images (PNG, JPEG, WebP) in this folder.',
    fix: 'Give a picture, a folder of pictures, or an IDX file (…-images-idx3-ubyte).',
    where: path,
  })
}

const away = (where: string): UserError =>
  new UserError('dataset/not-found', {
    message: 'There is no such file or folder.',
    fix: 'Check the path. This model takes pictures (PNG, JPEG, WebP), a folder of them, or an IDX file.',
    where,
  })
