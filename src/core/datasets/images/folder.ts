import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { type ImageSource, isImage, labelsOf } from './source.ts'

/** Images in class folders; undefined when the folder holds none. */
export function imageFolder(path: string): ImageSource | undefined {
  const names = readdirSync(path, { withFileTypes: true, recursive: true })
    .filter(entry => entry.isFile())
    .map(entry => relative(path, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter(isImage)
    .sort()
  const labels = labelsOf(names, path)
  if (!labels) return undefined
  return {
    path,
    files: names.map((name, i) => ({ name, label: labels[i]!, read: () => readFile(join(path, name)) })), // one each
    close: () => undefined,
  }
}
