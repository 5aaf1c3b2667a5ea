import { randomInt } from 'node:crypto'
import { resolve } from 'node:path'
import type { Compute } from '../../core/compute/index.ts'
import type { Prompt } from '../../core/models/index.ts'
import type { Call } from '../cli.ts'
import { printable } from '../format.ts'
import { samplingOf, type WritingOptions } from './options.ts'

/** Tokens of an answer when nothing is said. */
const MOST = 256

/**
 * Has a language model write and shows the text as it comes, with `--json` as `text` lines.
 * @returns the whole text, how many tokens it is and how long it took
 */
export async function write(
  { cli, report }: Call,
  compute: Compute,
  model: string,
  prompt: Prompt,
  { signal, onText, ...options }: WritingOptions & { signal: AbortSignal; onText?: (text: string) => void },
) {
  const { tokens: most = MOST, seed = randomInt(2 ** 31) } = options
  const base = options.base === undefined ? {} : { base: resolve(cli.cwd, options.base) }
  const asked = 'text' in prompt ? prompt : { messages: [...prompt.messages] }
  return compute.run(
    'generate',
    { model, ...base, prompt: asked, most, seed, sampling: samplingOf(options) },
    {
      signal,
      onProgress: ({ text }) => {
        onText?.(text)
        report.human.write(text.split('\n').map(printable).join('\n'))
        report.event('text', { text })
      },
    },
  )
}
