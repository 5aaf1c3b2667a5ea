import { type Command, Option } from 'commander'
import type { ReadAs } from '../../../core/datasets/index.ts'
import type { LocalModel } from '../../../core/local/index.ts'
import type { NoiseOptions } from '../../noise-options.ts'
import { asOption, modelOption, positive, satsAmount, taskOption } from '../../options.ts'

/** What `train` and `demo` share; what is random in steps is asked of `train` alone. */
export interface OrderOptions extends NoiseOptions {
  target?: string
  task?: 'classification' | 'regression'
  providers: number
  rounds: number
  budget?: number
  seed?: number
  classesPerShard?: number
  model?: LocalModel
  as?: ReadAs
  tokenizer?: string
  vocabulary?: number
  block?: number
  out?: string
  /** `train` alone. */
  receipts?: true
}

export const mostProviders = 100
/** As many as the wire allows (`MAX_ROUNDS` of the market): an award names every round. */
export const mostRounds = 256

/** @param out  the model's folder when none is named, for the help */
export const orderOptions = (command: Command, out: string): Command =>
  command
    .option('--target <column>', 'the column to predict; inferred when left out')
    .addOption(taskOption())
    .addOption(modelOption())
    .addOption(asOption())
    .option('--tokenizer <kind>', 'of a text: "characters", "bpe", or the path of a tokenizer.json')
    .option('--vocabulary <tokens>', 'of a text: tokens of a byte-pair encoding', positive('tokens', 2 ** 20))
    .option('--block <tokens>', 'of a text: tokens that the model sees at once', positive('tokens', 65_536))
    .option('--providers <n>', 'how many train at the same time', positive('providers', mostProviders), 3)
    .option('--rounds <n>', 'how often their updates are averaged', positive('rounds', mostRounds), 5)
    .option('--budget <sats>', 'a hard cap on everything the job may cost, fees included', satsAmount)
    .option(
      '--seed <n>',
      'fixes what is random: the same seed gives the same shards and first weights; drawn when left out',
      positive('as a seed', 2 ** 31),
    )
    .addOption(
      new Option(
        '--classes-per-shard <n>',
        'for experiments: each provider gets rows of so many classes only',
      ).argParser(positive('classes')),
    )
    .option('--out <folder>', `the model’s folder; ${out} when left out`)
