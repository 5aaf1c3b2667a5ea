/**
 * How a text is divided into words before pairs are merged. The expressions are those of the published tokenizers, with
 * Rust's meaning of `\s` (White_Space: with U+0085, without U+FEFF) written out. A tokenizer.json may name no others: a
 * stranger's expression could take forever.
 */
const SPACE = '\\p{White_Space}'
const REST = `${SPACE}+(?!\\P{White_Space})|${SPACE}+`
const CONTRACTIONS = "(?:'[sSſ]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD])"
const cl100k = (digits: string) =>
  `${CONTRACTIONS}|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|${digits}| ?[^${SPACE}\\p{L}\\p{N}]+[\\r\\n]*|${SPACE}*[\\r\\n]+|${REST}`

const EXPRESSIONS = {
  /** Radford et al. 2019. */
  gpt2: `'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^${SPACE}\\p{L}\\p{N}]+|${REST}`,
  /** Llama 3 (and tiktoken's cl100k): up to three digits together. */
  llama3: cl100k('\\p{N}{1,3}'),
  /** Qwen 2: each digit alone. */
  qwen2: cl100k('\\p{N}'),
  /** Each digit alone, before another division. */
  digits: '\\p{N}|\\P{N}+',
} as const

export type Division = keyof typeof EXPRESSIONS

const compiled = new Map<Division, RegExp>()

function expression(division: Division): RegExp {
  const known = compiled.get(division) ?? new RegExp(EXPRESSIONS[division], 'gu')
  compiled.set(division, known)
  return known
}

/** The words of a text, in order; put together they are the text. @param divisions  each divides what the one before left */
export function wordsOf(text: string, divisions: readonly Division[]): string[] {
  const [first, ...rest] = divisions
  if (first === undefined) return text === '' ? [] : [text]
  const words = text.match(expression(first)) ?? []
  return rest.length === 0 ? words : words.flatMap(word => wordsOf(word, rest))
}

const LETTER_END = /\p{L}$/u
const LETTER_START = /^\p{L}/u

/**
 * The last place before which a letter stands and after which none does, or 0. In all of the divisions a word never goes on
 * beyond it, and none looks at what stands before it.
 */
export function wordBoundary(text: string): number {
  for (let at = text.length - 1; at > 0; at--) {
    // Not inside a surrogate pair.
    if (isLowSurrogate(text.charCodeAt(at))) continue
    const before = text.slice(Math.max(0, at - 2), at)
    if (LETTER_END.test(before) && !LETTER_START.test(text.slice(at, at + 2))) return at
  }
  return 0
}

export const isLowSurrogate = (unit: number): boolean => unit >= 0xdc00 && unit <= 0xdfff
