import { UserError } from '../../../shared/errors.ts'

/** @param what  the part of tokenizer.json that we do not do, as it stands there */
export function unsupported(what: string, where?: string): UserError {
  return new UserError('tokenizer/unsupported', {
    message: `This tokenizer.json is of a kind that Gradstr does not read: ${what}.`,
    fix: 'Use a model with a tokenizer like GPT-2’s, Llama’s or Qwen’s (byte-pair encoding of bytes, or with ▁ for spaces), or train a tokenizer on your text.',
    ...(where === undefined ? {} : { where }),
  })
}

/** A value from a stranger's file, short and on one line. */
export const shown = (value: unknown): string => {
  const json = JSON.stringify(value) ?? 'nothing'
  return json.length > 120 ? `${json.slice(0, 120)}…` : json
}
