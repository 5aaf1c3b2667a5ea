import { resolve } from 'node:path'
import type { TextOptions } from '../core/datasets/index.ts'

interface Given {
  tokenizer?: string | undefined
  vocabulary?: number | undefined
  block?: number | undefined
}

/** How a text becomes tokens, as flags say it; undefined when they say nothing. */
export function textOptions({ tokenizer, vocabulary, block }: Given, cwd: string): TextOptions | undefined {
  const named = tokenizer === undefined || tokenizer === 'characters' || tokenizer === 'bpe'
  const text = {
    ...(tokenizer === undefined ? {} : { tokenizer: named ? tokenizer : resolve(cwd, tokenizer) }),
    ...(vocabulary === undefined ? {} : { vocabulary }),
    ...(block === undefined ? {} : { block }),
  }
  return Object.keys(text).length > 0 ? text : undefined
}
