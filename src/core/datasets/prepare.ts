import { prepareTable } from './fit/prepare-table.ts'
import { prepareIdx } from './idx/prepare.ts'
import { findDataset } from './open.ts'
import { scanTable } from './table/scan.ts'
import type { Prepared, PrepareOptions } from './types.ts'

/**
 * Makes shards, the private holdout and encoding.json in `out`, all or nothing.
 * @throws UserError when the dataset cannot be trained on
 */
export async function prepare(options: PrepareOptions): Promise<Prepared> {
  const found = findDataset(options.path)
  if (found.kind === 'idx') return prepareIdx(found.folder, options)
  return scanTable(found.path, found.format, { ...options, keep: true }, scanned =>
    prepareTable(scanned, options),
  )
}
