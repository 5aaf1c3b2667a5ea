import type { Command } from 'commander'
import type { SamplingOptions } from '../../core/training/index.ts'
import { positive, share, temperature } from '../options.ts'

/** How a language model's text is chosen, as flags. */
export interface WritingOptions {
  tokens?: number
  temperature?: number
  topK?: number
  topP?: number
  seed?: number
  base?: string
}

export const writingOptions = (command: Command): Command =>
  command
    .option('--tokens <n>', 'of a language model: new tokens at most', positive('tokens'))
    .option('--temperature <t>', 'less is bolder, 0 always the likeliest; 0.8 when left out', temperature)
    .option('--top-k <n>', 'choose among the likeliest n tokens only', positive('tokens'))
    .option('--top-p <share>', 'choose among the likeliest tokens that make up this share', share)
    .option('--base <dir>', 'of an adapter: where its base lies now, if it was moved')
    .option('--seed <n>', 'the same number gives the same text', positive('seed', 2 ** 31))

export const samplingOf = ({ temperature, topK, topP }: WritingOptions): Partial<SamplingOptions> => ({
  ...(temperature === undefined ? {} : { temperature }),
  ...(topK === undefined ? {} : { topK }),
  ...(topP === undefined ? {} : { topP }),
})
