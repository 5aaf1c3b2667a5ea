import { accessSync, constants, type Stats, statSync } from 'node:fs'
import { UserError } from '../../shared/errors.ts'

/**
 * What is known of a dataset before a byte of it is read; cheap, and safe outside of the worker.
 * @param path  a file or a folder
 * @throws UserError `dataset/not-found`, `dataset/empty`; the system's error where it may not be read
 */
export function checkThere(path: string): Stats {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (!stat)
    throw new UserError('dataset/not-found', {
      message: 'There is no such file or folder.',
      fix: 'Check the path. A dataset is a CSV, TSV, Parquet or JSONL file, a text, a folder of IDX files, texts or images, a zip of images, or the word mnist.',
      where: path,
    })
  if (stat.isFile() && stat.size === 0)
    throw new UserError('dataset/empty', {
      message: 'The file is empty.',
      fix: 'Export the table again and check that the file has rows.',
      where: path,
    })
  accessSync(path, constants.R_OK)
  return stat
}
