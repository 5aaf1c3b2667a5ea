import { resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { Inspection } from '../../core/datasets/index.ts'
import { UserError } from '../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../cli.ts'
import { positive, taskOption } from '../options.ts'

interface Options {
  target?: string
  task?: 'classification' | 'regression'
  sample?: number
  as?: 'table' | 'text'
  tokenizer?: string
  vocabulary?: number
  size?: number
  grey?: boolean
}

const help = `
DATASET is a CSV or TSV file as a spreadsheet saves it, Parquet, JSON lines, a
text (one document, or several divided by <|endoftext|>), a folder of texts,
JSON lines with "text", "prompt" and "completion", or "messages", a folder or
zip of images (PNG, JPEG, WebP) in a folder for each class, a folder of IDX
images, or the word "mnist". Nothing leaves this computer. The exit code is 1
when the dataset cannot be trained on as it is.`

export function addInspect(gradstr: Command, cli: Cli): void {
  gradstr
    .command('inspect')
    .description('show what a dataset holds, what it would be trained for, and what is wrong with it')
    .argument('<dataset>', 'a file, a folder, or "mnist"')
    .option('--target <column>', 'the column to predict')
    .addOption(taskOption())
    .option('--sample <rows>', 'look at the first rows only', positive('rows'))
    .addOption(new Option('--as <kind>', 'read the file as this').choices(['table', 'text']))
    .option('--tokenizer <kind>', 'of a text: "characters", "bpe", or the path of a tokenizer.json')
    .option('--vocabulary <tokens>', 'of a text: tokens of a byte-pair encoding', positive('tokens', 2 ** 20))
    .option('--size <pixels>', 'of images: the side to bring them to', positive('pixels', 1_024))
    .option('--grey', 'of images: without colours')
    .addHelpText('after', help)
    .action(async (dataset: string, options: Options, command: Command) =>
      inspect(await callOf(cli, command), dataset, options),
    )
}

async function inspect(
  call: Call,
  dataset: string,
  { tokenizer, vocabulary, size, grey, ...options }: Options,
): Promise<void> {
  const { report } = call
  const { withCompute } = await import('../compute.ts')
  const path = dataset === 'mnist' ? dataset : resolve(call.cli.cwd, dataset)
  const text = { tokenizer: tokenizerPath(tokenizer, call.cli.cwd), vocabulary }
  const found = await withCompute(call, compute =>
    compute.run('inspect', { path, ...options, text, images: { size, grey } }, { signal: call.signal }),
  )
  const { inspectionLines } = await import('../inspection.ts')
  report.say(...inspectionLines(found, report.paint))
  refuseBroken(found, dataset, () => report.event('inspection', found))
  report.result(found)
}

const tokenizerPath = (tokenizer: string | undefined, cwd: string): string | undefined =>
  tokenizer === undefined || tokenizer === 'characters' || tokenizer === 'bpe'
    ? tokenizer
    : resolve(cwd, tokenizer)

/** A dataset that cannot be used is an error, after everything about it was shown. */
function refuseBroken(found: Inspection, dataset: string, before: () => void): void {
  const problem = found.problems.find(p => p.severity === 'error')
  if (!problem) return
  before()
  throw new UserError(problem.code, { message: problem.message, fix: problem.fix, where: dataset })
}
