import { inspectIdx, openIdxDataset } from './idx/dataset.ts'
import { inspectImages } from './images/inspect.ts'
import { inferTable } from './infer/infer.ts'
import { findDataset } from './open.ts'
import { withSystemErrors } from './system.ts'
import { scanTable } from './table/scan.ts'
import { inspectText } from './text/inspect.ts'
import type { Inspection, InspectOptions } from './types.ts'

/**
 * What a dataset holds, what was inferred and why, and what is wrong with it.
 * @throws UserError when it cannot be read as a dataset at all, or has no column of the target's name
 */
export function inspect(path: string, options: InspectOptions = {}): Promise<Inspection> {
  return withSystemErrors(path, async () => {
    const found = await findDataset(path, options.as)
    if (found.kind === 'idx') return inspectIdx(path, await openIdxDataset(found.folder))
    if (found.kind === 'images')
      return inspectImages(found.source, options).finally(() => found.source.close())
    if (found.kind === 'text') return inspectText(found.source, options)
    const scan = { ...options, keep: false }
    return scanTable(found.path, found.format, scan, async scanned => inferTable(scanned, options))
  })
}
