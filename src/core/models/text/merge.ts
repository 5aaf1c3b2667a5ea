import { join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import { checkOut, publishFolder } from '../folder.ts'
import { isAdapter, openAdapted } from './adapter.ts'
import { TEXT_FILES } from './config.ts'
import { readJson } from './folder.ts'
import { textReport } from './report.ts'
import { writeTextFolder } from './write.ts'

export interface MergeOptions {
  /** The adapter's folder. */
  adapter: string
  /** Where its base lies, when it is not where the adapter says. */
  base?: string
  out: string
}

/**
 * Makes one model of an adapter and its base, in Hugging Face's layout: it needs neither of them any more.
 * @throws UserError `models/not-an-adapter`, `models/folder-taken`, as `openAdapted`
 */
export async function mergeModel({ adapter, base, out }: MergeOptions): Promise<void> {
  await checkOut(out)
  if (!(await isAdapter(adapter))) throw noAdapter(adapter)
  const model = await openAdapted(adapter, base)
  const report = textReport.safeParse(await readJson(join(adapter, TEXT_FILES.report))).data
  await publishFolder(out, folder => writeTextFolder(folder, { ...model, report }))
}

const noAdapter = (where: string): UserError =>
  new UserError('models/not-an-adapter', {
    message: 'This folder holds no adapter: there is no adapter_config.json in it.',
    fix: 'Give the folder that `gradstr train-local --lora` or PEFT wrote.',
    where,
  })
