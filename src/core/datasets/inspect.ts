import { inspectIdx, openIdxDataset } from './idx/dataset.ts'
import { findDataset } from './open.ts'
import type { Inspection, InspectOptions } from './types.ts'

/**
 * What a dataset holds, what was inferred and why, and what is wrong with it.
 * @throws UserError when it cannot be read as a dataset at all
 */
export async function inspect(path: string, _options: InspectOptions = {}): Promise<Inspection> {
  const found = findDataset(path)
  if (found.kind === 'idx') return inspectIdx(path, await openIdxDataset(found.folder))
  throw new Error('tables: next commit')
}
