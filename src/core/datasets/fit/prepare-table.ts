import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import type { TableEncoding } from '../encoding.ts'
import { inferTable } from '../infer/infer.ts'
import { checkTarget } from '../known.ts'
import { ENCODING, HOLDOUT, intoFolder, movedTo, writeBuckets } from '../output.ts'
import { answered } from '../shards.ts'
import type { Scanned } from '../table/scan.ts'
import type { PreparedRows, PrepareOptions, RowsInspection, Task } from '../types.ts'
import { feed } from './feed.ts'
import { handsFor } from './hands.ts'
import { makePlan } from './plan.ts'

/**
 * @param given  the encoding of a model that goes on learning
 * @throws UserError for the first problem that makes training impossible
 */
export async function prepareTable(
  scanned: Scanned,
  options: PrepareOptions,
  given?: TableEncoding,
): Promise<PreparedRows> {
  if (given) checkTarget(options.target, given.target.name, options.path)
  const inspection = inferTable(scanned, given ? { ...options, ...answerIn(given) } : options)
  refuseErrors(inspection, given !== undefined)
  const spool = scanned.spool! // prepare scans with `keep`
  const hands = handsFor(scanned.rows, scanned.columns.length, scanned.crew)
  const plan = await makePlan({ scanned, spool, inspection, options }, hands.tally, given)
  return intoFolder(options.out, async folder => {
    const tensors = answered(
      [plan.columns.width],
      'F32',
      plan.encoding.target.kind === 'class' ? 'I32' : 'F32',
    )
    const written = await writeBuckets(folder, plan.sizes, tensors, writers =>
      feed({ blocks: spool.stored, plan, writers, hands }, options.signal),
    )
    await writeFile(join(folder, ENCODING), JSON.stringify(plan.encoding))
    const [holdout, ...shards] = written.map(shard => movedTo(options.out, shard))
    const { target } = plan.encoding
    const result: PreparedRows = {
      kind: 'rows',
      task: target.kind === 'class' ? 'classification' : 'regression',
      target: target.name,
      inputs: plan.columns.width,
      outputs: target.kind === 'class' ? target.values.length : 1,
      input: { dtype: 'f32', scale: 1, shift: 0 },
      ...(target.kind === 'class' ? { classes: target.values } : {}),
      rows: written.reduce((total, { rows }) => total + rows, 0),
      holdoutRows: holdout!.rows, // bucket 0 is always there
      shards,
      holdout: join(options.out, HOLDOUT),
      encoding: join(options.out, ENCODING),
      inspection,
    }
    return { files: [...written.map(({ path }) => basename(path)), ENCODING], result }
  })
}

const answerIn = ({ target }: TableEncoding): { target: string; task: Task } => ({
  target: target.name,
  task: target.kind === 'class' ? 'classification' : 'regression',
})

/** @param given  a model says which columns it looks at, whatever they seem to be here */
function refuseErrors({ problems, path }: RowsInspection, given: boolean): void {
  const worst = problems.find(
    ({ severity, code }) => severity === 'error' && !(given && code === 'dataset/no-features'),
  )
  if (worst) throw new UserError(worst.code, { message: worst.message, fix: worst.fix, where: path })
}
