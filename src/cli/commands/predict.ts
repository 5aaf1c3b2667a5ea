import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Call, type Cli, callOf } from '../cli.ts'
import { printable } from '../format.ts'
import { type WritingOptions, writingOptions } from '../writing/options.ts'

interface Options extends WritingOptions {
  out?: string
}

const help = `
DIR is the folder that training wrote (--out). INPUT is a file of rows (CSV, TSV, Parquet, JSON lines) or IDX images,
or one row as COLUMN=VALUE pairs. Every column that the model reads must be there (DIR/README.md lists them); an empty
cell is COLUMN= with nothing behind it. Other columns are ignored.

  gradstr predict model flowers.csv --out answers.csv
  gradstr predict model "sepal length=5.1" "sepal width=3.5" "colour="`

export function addPredict(gradstr: Command, cli: Cli): void {
  const command = gradstr
    .command('predict')
    .description('ask a trained model: an answer for each row')
    .argument('<dir>', 'the model’s folder')
    .argument('<input...>', 'files, COLUMN=VALUE pairs of one row, or the beginning of a text')
    .option('--out <file>', 'write all answers as CSV, or the text, to a new file')
  writingOptions(command)
    .addHelpText('after', help)
    .action(async (dir: string, inputs: string[], options: Options, it: Command) => {
      const call = await callOf(cli, it)
      const { isTextModel } = await import('../../core/models/index.ts')
      const model = resolve(cli.cwd, dir)
      if (await isTextModel(model)) return goOn(call, model, inputs, options)
      await predict(call, dir, inputs, options.out)
    })
}

/** A language model writes on from a text, which is shown before it. */
async function goOn(
  call: Call,
  model: string,
  inputs: string[],
  { out, ...options }: Options,
): Promise<void> {
  const { report, signal, cli } = call
  const [{ withCompute }, { write }] = await Promise.all([
    import('../compute.ts'),
    import('../writing/write.ts'),
  ])
  const text = inputs.join(' ')
  const file = out === undefined ? null : resolve(cli.cwd, out)
  report.human.write(text.split('\n').map(printable).join('\n'))
  const written = await withCompute(call, compute =>
    write(call, compute, model, { text }, { ...options, signal }),
  ).finally(() => report.human.write('\n'))
  if (file !== null) writeFileSync(file, text + written.text, { flag: 'wx' })
  report.result({ ...written, file })
}

async function predict(call: Call, dir: string, inputs: string[], out: string | undefined): Promise<void> {
  const { report, signal, cli } = call
  const [{ withCompute }, { inputFiles }, answers] = await Promise.all([
    import('../compute.ts'),
    import('../prediction/inputs.ts'),
    import('../prediction/answers.ts'),
  ])
  const model = resolve(cli.cwd, dir)
  const files = inputFiles(inputs, cli.cwd)
  try {
    const found = await withCompute(call, async compute => {
      const all = []
      for (const { path, name } of files.paths) {
        const { config, predictions } = await compute.run('predict', { model, input: path }, { signal })
        all.push(...predictions.map((prediction, i) => ({ input: name, row: i + 1, ...prediction })))
        report.event('model', {
          input: name,
          task: config.task,
          target: config.target,
          classes: config.classes,
        })
      }
      return all
    })
    if (out !== undefined) writeFileSync(resolve(cli.cwd, out), answers.answersCsv(found), { flag: 'wx' })
    for (const answer of found) report.event('prediction', answer)
    report.say(...answers.answerLines(found, report.paint))
    report.result({ rows: found.length, file: out === undefined ? null : resolve(cli.cwd, out) })
  } finally {
    files.remove()
  }
}
