import { readEncoding } from './encoding.ts'
import { prepareTable } from './fit/prepare-table.ts'
import { prepareIdx } from './idx/prepare.ts'
import { prepareImages } from './images/prepare.ts'
import { checkKind } from './known.ts'
import { findDataset } from './open.ts'
import { withSystemErrors } from './system.ts'
import { scanTable } from './table/scan.ts'
import { prepareText } from './text/prepare.ts'
import type { Prepared, PrepareOptions } from './types.ts'

/**
 * Makes shards, the private holdout and encoding.json in `out`, all or nothing.
 * @throws UserError when the dataset cannot be trained on
 */
export function prepare(options: PrepareOptions): Promise<Prepared> {
  return withSystemErrors(options.path, async () => {
    const found = await findDataset(options.path, options.as)
    const given = options.encoding === undefined ? undefined : await readEncoding(options.encoding)
    if (given) checkKind(given, found, options.path)
    const [table, pictures] = given?.kind === 'table' ? [given] : [undefined, given]
    if (found.kind === 'idx') return prepareIdx(found.folder, options, pictures)
    if (found.kind === 'images')
      return prepareImages(found.source, options, pictures).finally(() => found.source.close())
    if (found.kind === 'text') return prepareText(found.source, options)
    const scan = { ...options, keep: true }
    return scanTable(found.path, found.format, scan, scanned => prepareTable(scanned, options, table))
  })
}
