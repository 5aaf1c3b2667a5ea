import { inspectIdx, openIdxDataset } from './idx/dataset.ts'
import { inferTable } from './infer/infer.ts'
import { findDataset } from './open.ts'
import { withSystemErrors } from './system.ts'
import { scanTable } from './table/scan.ts'
import type { Inspection, InspectOptions } from './types.ts'

/**
 * What a dataset holds, what was inferred and why, and what is wrong with it.
 * @throws UserError when it cannot be read as a dataset at all, or has no column of the target's name
 */
export function inspect(path: string, options: InspectOptions = {}): Promise<Inspection> {
  return withSystemErrors(path, async () => {
    const found = findDataset(path)
    if (found.kind === 'idx') return inspectIdx(path, await openIdxDataset(found.folder))
    const scan = { ...options, keep: false }
    return scanTable(found.path, found.format, scan, async scanned => inferTable(scanned, options))
  })
}
