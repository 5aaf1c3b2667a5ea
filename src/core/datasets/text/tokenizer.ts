import { UserError } from '../../../shared/errors.ts'
import {
  BpeTrainer,
  END_OF_TEXT,
  END_OF_TURN,
  ROLES,
  readTokenizer,
  roleMark,
  type Tokenizer,
} from '../../tokenizers/index.ts'
import type { Problem, TextOptions } from '../types.ts'
import type { PartPiece } from './parts.ts'
import { Sample } from './sample.ts'
import type { ScannedText } from './scan.ts'

/** What a text is to be encoded with. */
export type TokenizerChoice = { why: string } & (
  | { kind: 'characters' }
  | { kind: 'bpe'; vocabulary: number }
  | { kind: 'file'; path: string }
)

/** Small texts in small alphabets: nanoGPT's shakespeare_char, and what is like it. */
const FEW_CHARACTERS = 4e6
const SMALL_ALPHABET = 512
/** A token more has to be learned too: larger texts bear larger vocabularies. */
const VOCABULARIES = [
  { characters: 8e6, vocabulary: 4_096 },
  { characters: 64e6, vocabulary: 8_192 },
  { characters: 512e6, vocabulary: 16_384 },
  { characters: Number.POSITIVE_INFINITY, vocabulary: 32_768 },
]
/** Merges are learned from so much of a text; more changes them little. */
const MOST_LEARNED = 32 * 1024 * 1024

export function chooseTokenizer(
  { characters, alphabet }: ScannedText,
  { tokenizer, vocabulary }: TextOptions = {},
): TokenizerChoice {
  const letters = alphabet.characters().length
  if (
    tokenizer === undefined &&
    vocabulary === undefined &&
    characters <= FEW_CHARACTERS &&
    letters <= SMALL_ALPHABET
  )
    return {
      kind: 'characters',
      why: `A text of this size in ${letters} different characters: each is a token.`,
    }
  if (tokenizer === 'characters') return { kind: 'characters', why: 'As it was asked for.' }
  if (tokenizer !== undefined && tokenizer !== 'bpe')
    return { kind: 'file', path: tokenizer, why: 'As its tokenizer.json says.' }
  const size = vocabulary ?? VOCABULARIES.find(row => characters < row.characters)!.vocabulary // the last has no limit
  return {
    kind: 'bpe',
    vocabulary: size,
    why: `Byte-pair encoding, learned from the text: ${vocabulary ? 'as asked for' : 'for a text of its size'}.`,
  }
}

/** Special tokens that a tokenizer of ours has for this text: one document needs none. */
export function specialFor({ corpus, documents }: ScannedText): string[] {
  if (corpus.layout === 'chat') return [END_OF_TEXT, ...ROLES.map(roleMark), END_OF_TURN]
  return documents > 1 || corpus.layout === 'completions' ? [END_OF_TEXT] : []
}

/**
 * @param training  the pieces that are trained on; merges are learned from nothing else
 * @throws UserError `tokenizer/…`, `dataset/no-end-of-text`
 */
export async function makeTokenizer(
  scanned: ScannedText,
  choice: TokenizerChoice,
  training: () => AsyncIterable<PartPiece>,
): Promise<Tokenizer> {
  const special = specialFor(scanned)
  switch (choice.kind) {
    case 'characters':
      // The alphabet is that of the whole text, as nanoGPT's: a character that is kept back must have a token too.
      return scanned.alphabet.finish(special)
    case 'bpe':
      return learned(training(), MOST_LEARNED / scanned.characters, {
        vocabulary: choice.vocabulary,
        special,
      })
    case 'file':
      return checked(await readTokenizer(choice.path), special, choice.path)
  }
}

async function learned(
  pieces: AsyncIterable<PartPiece>,
  fraction: number,
  options: { vocabulary: number; special: string[] },
): Promise<Tokenizer> {
  const trainer = new BpeTrainer()
  const learn = (texts: string[]) => {
    for (const text of texts.splice(0)) {
      trainer.add(text)
      // Pieces of a sample do not follow one another.
      if (fraction < 1) trainer.endDocument()
    }
  }
  const sample = new Sample(fraction)
  for await (const { part, segments, ends } of pieces) {
    if (part === 'holdout') continue
    for (const segment of segments) if ('text' in segment) sample.offer(segment.text)
    learn(sample.taken)
    if (ends) trainer.endDocument()
  }
  return trainer.finish(options)
}

function checked(tokenizer: Tokenizer, special: string[], where: string): Tokenizer {
  const problem = withoutEnd(tokenizer, special)
  if (problem) throw new UserError(problem.code, { message: problem.message, fix: problem.fix, where })
  return tokenizer
}

/** What is wrong where documents are to be divided and the tokenizer has nothing to do it with. @param special  of `specialFor` */
export function withoutEnd(tokenizer: Tokenizer, special: readonly string[]): Problem | undefined {
  if (special.length === 0 || tokenizer.endOfText !== undefined) return undefined
  return {
    code: 'dataset/no-end-of-text',
    severity: 'error',
    message: 'This tokenizer has no token for the end of a text, which goes between two documents.',
    fix: `Add a special token named ${END_OF_TEXT} to it, give one document only, or use another tokenizer.`,
  }
}
