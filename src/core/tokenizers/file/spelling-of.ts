import type { ByteSpelling, MetaspaceSpelling, Spelling } from '../bpe/spelling.ts'
import { METASPACE } from '../bpe/spelling.ts'
import type { Division } from '../bpe/words.ts'
import type { Part, TokenizerFile } from './schema.ts'
import { shown, unsupported } from './unsupported.ts'

/** The expressions that published tokenizers divide words by, as they stand in their files. */
const DIVISIONS = new Map<string, Division>([
  [
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    'llama3',
  ],
  [
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
    'qwen2',
  ],
  ["'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+", 'gpt2'],
])

/** How this file spells texts. @throws UserError `tokenizer/unsupported` naming the part that we do not do */
export function spellingOf(file: TokenizerFile): Spelling {
  const steps = sequence(file.pre_tokenizer, 'pretokenizers')
  const bytes = steps.at(-1)?.type === 'ByteLevel'
  return bytes ? byteSpelling(file, steps) : metaspaceSpelling(file, steps)
}

type Step = NonNullable<Part>

/** The steps of a part that may be one step, a Sequence of steps, or missing. */
function sequence(part: Part, key: 'pretokenizers' | 'normalizers' | 'decoders'): Step[] {
  if (!part) return []
  if (part.type !== 'Sequence') return [part]
  const steps = part[key]
  if (!Array.isArray(steps) || !steps.every(step => typeof step === 'object' && step !== null))
    throw unsupported(`a Sequence without ${key}`)
  return steps
}

function byteSpelling(file: TokenizerFile, steps: readonly Step[]): ByteSpelling {
  const level = steps.at(-1)
  if (level?.add_prefix_space === true) throw unsupported('"pre_tokenizer" with add_prefix_space')
  if (file.decoder?.type !== 'ByteLevel') throw unsupported(`"decoder" ${shown(file.decoder)}`)
  const divisions = steps.slice(0, -1).map(divisionOf)
  if (level?.use_regex !== false) divisions.push('gpt2')
  const forms = sequence(file.normalizer, 'normalizers').map(step => step.type)
  if (forms.length === 0) return { kind: 'bytes', divisions }
  if (forms.length === 1 && forms[0] === 'NFC') return { kind: 'bytes', divisions, normalForm: 'NFC' }
  throw unsupported(`"normalizer" ${shown(file.normalizer)}`)
}

function divisionOf(step: Step): Division {
  if (step.type === 'Digits' && step.individual_digits === true) return 'digits'
  if (step.type === 'Split' && step.behavior === 'Isolated' && step.invert !== true) {
    const pattern = step.pattern
    const regex =
      typeof pattern === 'object' && pattern !== null && 'Regex' in pattern ? pattern.Regex : undefined
    const division = typeof regex === 'string' ? DIVISIONS.get(regex) : undefined
    if (division) return division
  }
  throw unsupported(`"pre_tokenizer" ${shown(step)}`)
}

function metaspaceSpelling(file: TokenizerFile, steps: readonly Step[]): MetaspaceSpelling {
  if (file.model.byte_fallback !== true)
    throw unsupported(`"pre_tokenizer" ${shown(file.pre_tokenizer)} without byte_fallback`)
  if (file.model.ignore_merges === true) throw unsupported('"ignore_merges" with byte_fallback')
  checkDecoder(file)
  const prefix = steps.length > 0 ? prefixOfSteps(file, steps) : prefixOfNormalizer(file)
  return { kind: 'metaspace', prefix }
}

function prefixOfSteps(file: TokenizerFile, steps: readonly Step[]): MetaspaceSpelling['prefix'] {
  const [step] = steps
  if (
    steps.length !== 1 ||
    step?.type !== 'Metaspace' ||
    step.replacement !== METASPACE ||
    step.split !== false
  )
    throw unsupported(`"pre_tokenizer" ${shown(file.pre_tokenizer)}`)
  if (file.normalizer) throw unsupported(`"normalizer" ${shown(file.normalizer)}`)
  const scheme = step.prepend_scheme ?? 'always'
  if (scheme === 'never') return 'never'
  if (scheme === 'first' || scheme === 'always') return 'unless'
  throw unsupported(`"pre_tokenizer" ${shown(step)}`)
}

function prefixOfNormalizer(file: TokenizerFile): MetaspaceSpelling['prefix'] {
  const steps = sequence(file.normalizer, 'normalizers')
  const replace = steps.at(-1)
  const spaces =
    replace?.type === 'Replace' && replace.content === METASPACE && isString(replace.pattern, ' ')
  const prepend = steps.length === 2 && steps[0]?.type === 'Prepend' && steps[0].prepend === METASPACE
  if (spaces && prepend) return 'always'
  if (spaces && steps.length === 1) return 'never'
  throw unsupported(`"normalizer" ${shown(file.normalizer)}`)
}

const isString = (pattern: unknown, text: string): boolean =>
  typeof pattern === 'object' && pattern !== null && 'String' in pattern && pattern.String === text

const METASPACE_DECODERS = new Set(['Replace', 'ByteFallback', 'Fuse', 'Strip', 'Metaspace'])

function checkDecoder(file: TokenizerFile): void {
  const steps = sequence(file.decoder, 'decoders')
  const odd = steps.find(({ type }) => typeof type !== 'string' || !METASPACE_DECODERS.has(type))
  if (odd || !steps.some(({ type }) => type === 'ByteFallback'))
    throw unsupported(`"decoder" ${shown(file.decoder)}`)
}
