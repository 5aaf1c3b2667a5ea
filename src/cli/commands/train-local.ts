import { freemem } from 'node:os'
import { basename, resolve } from 'node:path'
import { type Command, Option } from 'commander'
import type { LocalModel, LocalOrder } from '../../core/local/index.ts'
import type { EngineName } from '../../core/training/index.ts'
import { UserError } from '../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../cli.ts'
import { advised } from '../interrupt.ts'
import { type NoiseOptions, noiseOf, noiseOptions } from '../noise-options.ts'
import { asOption, modelOption, positive, price, taskOption } from '../options.ts'
import { textOptions } from '../text-options.ts'

interface Options extends NoiseOptions {
  out: string
  model?: LocalModel
  target?: string
  task?: 'classification' | 'regression'
  as?: 'table' | 'text'
  tokenizer?: string
  vocabulary?: number
  block?: number
  steps?: number
  batch?: number
  learningRate?: number
  seed: number
  engine?: EngineName
  threads?: number
  gentle?: true
  restart?: true
  base?: string
  lora?: true
  rank: number
  alpha?: number
  frozen: 'f32' | 'f16' | 'i8'
}

// Typed by the room's list, which is not loaded for help: ONNX Runtime comes with it.
const engines: EngineName[] = ['cpu', 'webgpu', 'dml', 'coreml', 'cuda', 'tfjs']

const help = `
DATASET as for "inspect". A table is learned by a multi-layer perceptron, images
by a convolutional network, a text by a GPT; sizes and steps follow from the
dataset, and are shown before it begins. Nothing leaves this computer and nobody
is paid.

With --base a model goes on learning: a GPT-2 or Llama in Hugging Face's layout,
or a folder of Gradstr's, with its own tokenizer and sizes. --lora leaves it as
it is and trains adapters beside it, which takes far less memory: DIR is then a
PEFT adapter that refers to its base; "merge" makes one model of both.

Ctrl-C stops it and leaves a checkpoint beside DIR; the same command goes on
from there. Ask the model with "predict" or "chat".

  gradstr train-local flowers.csv --out flowers
  gradstr train-local photos/ --flip --crop 4 --dropout 0.5 --out classes
  gradstr train-local book.txt --steps 2000 --out writer
  gradstr train-local letters.txt --base writer --lora --out letters`

export function addTrainLocal(gradstr: Command, cli: Cli): void {
  const command = gradstr
    .command('train-local')
    .description('train a model on this computer, without a market')
    .argument('<dataset>', 'a file, a folder, or "mnist"')
    .requiredOption('--out <dir>', 'the model’s folder')
    .addOption(modelOption())
    .option('--target <column>', 'of a table: the column to predict')
    .addOption(taskOption())
    .addOption(asOption())
    .option('--tokenizer <kind>', 'of a text: "characters", "bpe", or the path of a tokenizer.json')
    .option('--vocabulary <tokens>', 'of a text: tokens of a byte-pair encoding', positive('tokens', 2 ** 20))
    .option('--block <tokens>', 'of a text: tokens that the model sees at once', positive('tokens', 65_536))
    .option('--base <dir>', 'a model to begin with, instead of new weights')
    .option('--lora', 'of a base of text: train adapters to it, and leave it as it is')
    .option('--rank <n>', 'of the adapters: their inner width', positive('rank', 1024), 8)
    .option(
      '--alpha <x>',
      'of the adapters: what they add counts alpha / rank times; twice the rank when left out',
      price,
    )
    .addOption(
      new Option('--frozen <type>', 'of a base with adapters: how its matrices are kept in memory')
        .choices(['f32', 'f16', 'i8'])
        .default('f16'),
    )
    .option('--steps <n>', 'optimizer steps', positive('steps', 1e9))
    .option('--batch <rows>', 'rows per step', positive('rows', 65_536))
    .option('--learning-rate <rate>', 'at its peak', price)
  noiseOptions(command)
    .option(
      '--seed <n>',
      'decides first weights, the order of rows and what is random in steps',
      positive('seed', 2 ** 31),
      1,
    )
    .addOption(new Option('--engine <name>', 'what computes; "devices" lists them').choices(engines))
    .option('--threads <n>', 'of the CPU', positive('threads', 1024))
    .option('--gentle', 'leave the computer usable meanwhile; slower')
    .option('--restart', 'forget what was begun before')
    .addHelpText('after', help)
    .action(async (dataset: string, options: Options, it: Command) =>
      trainHere(await callOf(cli, it), dataset, options),
    )
}

async function trainHere(call: Call, dataset: string, options: Options): Promise<void> {
  const { report, signal, cli } = call
  const [{ withCompute }, { trainLocally }, { CurveDisplay }, lines] = await Promise.all([
    import('../compute.ts'),
    import('../../core/local/index.ts'),
    import('../local/display.ts'),
    import('../local/lines.ts'),
  ])
  const order = orderOf(dataset, options, cli.cwd)
  report.note('Reading the dataset …')
  await withCompute(call, async compute => {
    const display = new CurveDisplay(report, cli.now)
    const training = trainLocally(
      order,
      compute,
      {
        onPlan: plan => {
          const { spec, parameters, frozen, memory, microBatch, steps, resumed } = plan
          report.event('plan', { spec, parameters, frozen, memory, microBatch, steps, resumed })
          report.say(...lines.planLines(plan, order.out, report.paint))
        },
        onProgress: told => display.show(told),
      },
      signal,
    ).finally(() => display.done())
    const result = await advised(signal, () => 'The same command goes on from there.', training)
    report.say(...lines.resultLines(result, order.out, report.paint))
    report.result({ out: order.out, steps: result.fitted.steps, report: result.report })
  })
}

function orderOf(dataset: string, options: Options, cwd: string): LocalOrder {
  const {
    tokenizer,
    vocabulary,
    block,
    flip,
    crop,
    out,
    base,
    lora,
    rank,
    alpha = 2 * rank,
    frozen,
    ...rest
  } = options
  if (lora && base === undefined) throw baseless()
  const text = textOptions({ tokenizer, vocabulary, block }, cwd)
  return {
    ...rest,
    ...(base === undefined ? {} : { base: resolve(cwd, base) }),
    ...noiseOf(options),
    ...(lora ? { adapter: { rank, alpha, base: frozen } } : {}),
    room: { process: freemem(), card: null },
    dataset: dataset === 'mnist' ? dataset : resolve(cwd, dataset),
    ...(text ? { text } : {}),
    out: resolve(cwd, out),
    title: basename(dataset),
  }
}

const baseless = (): UserError =>
  new UserError('usage/lora-base', {
    message: 'Adapters are trained beside a model, and none is named.',
    fix: 'Name its folder with --base DIR.',
  })
