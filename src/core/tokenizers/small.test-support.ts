import { readFileSync } from 'node:fs'
import { learnMerges } from './bpe/learn.ts'
import { byteToken, METASPACE } from './bpe/spelling.ts'
import { BpeTrainer, type Tokenizer, type TokenizerFile, tokenizerFrom } from './index.ts'

/** Prose, code and other scripts: this repository's README and some lines. */
export const PROSE = `${readFileSync(new URL('../../../README.md', import.meta.url), 'utf8')}
Wir ließen sie's wissen: 1234567 Stück, 50 % mehr…  Привет, мир! 日本語の文章です。 👩‍🔬🇨🇭 naïve café\r\n\tif (x != y) { return x'll }\n\n\n`

export function byteLevel(vocabulary = 600, special: readonly string[] = ['<|endoftext|>']): Tokenizer {
  const trainer = new BpeTrainer()
  trainer.add(PROSE)
  return trainer.finish({ vocabulary, special })
}

const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

const split = (regex: string) => ({
  type: 'Split',
  pattern: { Regex: regex },
  behavior: 'Isolated',
  invert: false,
})

const level = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true }

/** As `byteLevel`, with another division into words. */
function divided(pretokenizers: object[], model: object = {}): TokenizerFile {
  const { file } = byteLevel()
  return {
    ...file,
    pre_tokenizer: { type: 'Sequence', pretokenizers },
    model: { ...file.model, ...model },
  }
}

export const llama3 = (): TokenizerFile =>
  divided([split(LLAMA3), { ...level, use_regex: false }], { ignore_merges: true })

export const qwen2 = (): TokenizerFile => ({
  ...divided([split(LLAMA3.replace('{1,3}', '')), { ...level, use_regex: false }]),
  normalizer: { type: 'NFC' },
})

export const smol = (): TokenizerFile =>
  divided([
    { type: 'Digits', individual_digits: true },
    { ...level, use_regex: true },
  ])

const spaces = { type: 'Replace', pattern: { String: ' ' }, content: METASPACE }

/** Llama 2's: characters with ▁ for a space, other characters in bytes. */
export function llama2(): TokenizerFile {
  const special = ['<unk>', '<s>', '</s>']
  const bytes = Array.from({ length: 256 }, (_, byte) => byteToken(byte))
  const text = PROSE.replaceAll(' ', METASPACE)
  const characters = [...new Set(text)].filter(character => character < '\u0180' || character === METASPACE)
  const names = [...special, ...bytes, ...characters.filter(character => character !== '\n')]
  const numbers = new Map(names.map((name, number) => [name, number]))
  const words = (text.match(/\u2581*[^\u2581]+/g) ?? []).flatMap(word => {
    const symbols = [...word].map(character => numbers.get(character))
    return symbols.every(symbol => symbol !== undefined)
      ? [{ symbols: Int32Array.from(symbols), count: 1 }]
      : []
  })
  const merges = learnMerges(words, names, numbers, names.length + 300)
  return {
    added_tokens: special.map((content, id) => ({ id, content, special: true })),
    normalizer: {
      type: 'Sequence',
      normalizers: [{ type: 'Prepend', prepend: METASPACE }, spaces],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: METASPACE }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: Object.fromEntries(numbers),
      merges,
    },
  }
}

/** The newer way to write the same kind. */
export const metaspace = (prepend_scheme: 'first' | 'never'): TokenizerFile => ({
  ...llama2(),
  normalizer: null,
  pre_tokenizer: { type: 'Metaspace', replacement: METASPACE, prepend_scheme, split: false },
})

export const kinds: [string, () => Tokenizer][] = [
  ['bytes, trained here', byteLevel],
  ['Llama 3', () => tokenizerFrom(llama3())],
  ['digits apart', () => tokenizerFrom(smol())],
  ['Llama 2', () => tokenizerFrom(llama2())],
]
