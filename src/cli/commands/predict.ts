import { writeFileSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Command } from 'commander'
import { UserError } from '../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../cli.ts'
import { printable } from '../format.ts'
import { type WritingOptions, writingOptions } from '../writing/options.ts'

interface Options extends WritingOptions {
  out?: string
}

const help = `
DIR is the folder that training wrote (--out). INPUT is a file of rows (CSV,
TSV, Parquet, JSON lines), one row as COLUMN=VALUE pairs, a picture (PNG, JPEG,
WebP), a folder of pictures, IDX images ("mnist": its 10,000 test images), or
the beginning of a text. Every column that a model of rows reads must be there
(DIR/README.md lists them); an empty cell is COLUMN= with nothing behind it.
Other columns are ignored.

  gradstr predict model flowers.csv --out answers.csv
  gradstr predict pets photo.jpg
  gradstr predict model "sepal length=5.1" "sepal width=3.5" "colour="`

export function addPredict(gradstr: Command, cli: Cli): void {
  const command = gradstr
    .command('predict')
    .description('ask a trained model: an answer for each row')
    .argument('<dir>', 'the model’s folder')
    .argument('<input...>', 'files, pictures, COLUMN=VALUE pairs of one row, or the beginning of a text')
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
  const unread: { name: string; why: string }[] = []
  try {
    const found = await withCompute(call, async compute => {
      const all = []
      for (const { path, name } of files.paths) {
        const { config, predictions, pictures } = await compute.run(
          'predict',
          { model, input: path },
          { signal },
        )
        all.push(...predictions.map((prediction, i) => ({ ...placeOf(name, i, pictures), ...prediction })))
        unread.push(...(pictures?.unread ?? []))
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
    if (found.length === 0 && unread[0]) throw unreadable(unread[0])
    for (const { name, why } of unread)
      report.note(`Left out, as it cannot be read as a picture: ${printable(name)} (${printable(why)})`)
    for (const answer of found) report.event('prediction', answer)
    report.say(...answers.answerLines(found, report.paint))
    report.result({
      rows: found.length,
      ...(unread.length > 0 ? { unread } : {}),
      file: out === undefined ? null : resolve(cli.cwd, out),
    })
  } finally {
    files.remove()
  }
}

/** What an answer is about: a row of a file, or a picture. */
function placeOf(input: string, at: number, pictures: { names: string[] } | undefined) {
  if (!pictures) return { input, row: at + 1 }
  const name = pictures.names[at] ?? ''
  return { input: name === basename(input) ? input : join(input, name) }
}

const unreadable = ({ name, why }: { name: string; why: string }): UserError =>
  new UserError('predict/not-a-picture', {
    message: `"${name}" cannot be read as a picture: ${why}.`,
    fix: 'This model takes pictures: PNG, JPEG, WebP, a folder of them, or an IDX file.',
  })
