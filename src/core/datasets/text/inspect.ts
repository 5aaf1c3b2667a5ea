import { BpeTrainer, readTokenizer, type Tokenizer } from '../../tokenizers/index.ts'
import type { InspectOptions, Problem, TextInspection } from '../types.ts'
import { type ScannedText, scanText } from './scan.ts'
import type { TextSource } from './source.ts'
import { chooseTokenizer, specialFor, type TokenizerChoice, withoutEnd } from './tokenizer.ts'

/** Fewer characters make a model that repeats them. */
const SHORT = 50_000

/** What a text holds, and what it would be encoded with. @throws UserError as `scanText` and `readTokenizer` do */
export async function inspectText(source: TextSource, options: InspectOptions): Promise<TextInspection> {
  const scanned = await scanText(source, options)
  const choice = chooseTokenizer(scanned, options.text)
  const { characters, documents, corpus } = scanned
  const { tokenizer, exact } = await proposed(scanned, choice)
  const perCharacter = exact ? 1 : tokensPerCharacter(tokenizer, scanned)
  const ends = specialFor(scanned).length > 0 ? documents : 0
  return {
    path: source.path,
    format: 'text',
    layout: source.layout,
    layoutWhy: source.layoutWhy,
    files: corpus.files.length,
    encoding: corpus.files[0]!.encoding, // a text without a file has no documents, which scanning refuses
    documents,
    characters,
    alphabet: scanned.alphabet.characters().length,
    tokenizer: { kind: tokenizer.kind, size: tokenizer.size, why: choice.why },
    tokens: Math.round(characters * perCharacter) + ends,
    tokensAreEstimated: !exact,
    preview: {
      columns: ['document', 'begins'],
      rows: scanned.preview.map((text, i) => [String(i + 1), text]),
    },
    problems: problemsOf(scanned, tokenizer),
  }
}

/** A tokenizer as `prepare` would make it; merges are learned from a sample, which is enough to count with. */
async function proposed(
  scanned: ScannedText,
  choice: TokenizerChoice,
): Promise<{ tokenizer: Tokenizer; exact: boolean }> {
  const special = specialFor(scanned)
  switch (choice.kind) {
    case 'characters':
      return { tokenizer: scanned.alphabet.finish(special), exact: isBasic(scanned) }
    case 'file':
      return { tokenizer: await readTokenizer(choice.path), exact: false }
    case 'bpe': {
      const trainer = new BpeTrainer()
      for (const text of scanned.sample.learn) {
        trainer.add(text)
        trainer.endDocument()
      }
      return { tokenizer: trainer.finish({ vocabulary: choice.vocabulary, special }), exact: false }
    }
  }
}

/** Characters beyond U+FFFF count twice in JavaScript; marks of conversations count as none. */
const isBasic = ({ alphabet, corpus }: ScannedText): boolean =>
  corpus.layout !== 'chat' && alphabet.characters().every(character => character.length === 1)

function tokensPerCharacter(tokenizer: Tokenizer, { sample }: ScannedText): number {
  const texts = sample.measure.map(text => text.toWellFormed())
  const characters = texts.reduce((total, { length }) => total + length, 0)
  const known = texts.map(text =>
    tokenizer.kind === 'characters' ? [...text].length : tokenizer.encode(text).length,
  )
  return characters === 0 ? 1 : known.reduce((total, count) => total + count, 0) / characters
}

function problemsOf(scanned: ScannedText, tokenizer: Tokenizer): Problem[] {
  const { characters, corpus } = scanned
  const endless = withoutEnd(tokenizer, specialFor(scanned))
  const found = endless ? [endless] : []
  if (characters >= SHORT) return found
  return [
    ...found,
    {
      code: 'dataset/text-short',
      severity: 'warning',
      message: `${characters.toLocaleString('en')} characters are little: a model will learn them by heart.`,
      fix:
        corpus.layout === 'plain'
          ? 'Use a longer text, or adapt a model that knows the language.'
          : 'Use more records, or adapt a model that knows the language.',
    },
  ]
}
