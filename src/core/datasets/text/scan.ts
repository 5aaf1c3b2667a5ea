import { UserError } from '../../../shared/errors.ts'
import { CharacterTrainer } from '../../tokenizers/index.ts'
import type { Resources } from '../types.ts'
import { encodedFile } from './characters.ts'
import { type Corpus, piecesOf } from './pieces.ts'
import { Sample } from './sample.ts'
import type { Piece, TextSource } from './source.ts'

/** With more documents, whole ones are kept back instead of the end of each. */
export const MOST_CUT = 100
const SAMPLE = 1024 * 1024
const PREVIEW = 5

export interface ScannedText {
  corpus: Corpus
  documents: number
  characters: number
  /** Of the first documents, at most one more than `MOST_CUT`. */
  lengths: number[]
  alphabet: CharacterTrainer
  /** Two halves of about a megabyte, taken evenly from everywhere. */
  sample: { learn: string[]; measure: string[] }
  preview: string[]
}

/**
 * Goes through all of a text once: what is broken is found here.
 * @throws UserError `dataset/binary`, `dataset/jsonl-line`, `dataset/empty`
 */
export async function scanText(source: TextSource, { signal }: Resources): Promise<ScannedText> {
  const files = []
  for (const file of source.files) if (file.bytes > 0) files.push(await encodedFile(file))
  const corpus = { path: source.path, layout: source.layout, files }
  const scan = new Scan(files.reduce((total, { bytes }) => total + bytes, 0))
  for await (const piece of piecesOf(corpus, signal)) scan.add(piece)
  if (scan.documents === 0) {
    throw new UserError('dataset/empty', {
      message: 'There is no text in it.',
      fix: 'Give a file or folder with text.',
      where: source.path,
    })
  }
  const { documents, characters, lengths, alphabet, halves, preview } = scan
  const [learn, measure] = halves.map(half => half.taken)
  return {
    corpus,
    documents,
    characters,
    lengths,
    alphabet,
    sample: { learn: learn!, measure: measure! },
    preview,
  }
}

class Scan {
  documents = 0
  characters = 0
  readonly lengths: number[] = []
  readonly alphabet = new CharacterTrainer()
  readonly preview: string[] = []
  readonly halves: Sample[]
  #length = 0
  #begun = ''

  constructor(bytes: number) {
    this.halves = [new Sample(SAMPLE / bytes), new Sample(SAMPLE / bytes, 0.5)]
  }

  add({ segments, ends }: Piece): void {
    for (const segment of segments) {
      if ('text' in segment) this.#text(segment.text)
      if (this.#begun.length < 80) this.#begun += 'text' in segment ? segment.text.slice(0, 80) : segment.mark
    }
    if (!ends) return
    if (this.lengths.length <= MOST_CUT) this.lengths.push(this.#length)
    if (this.preview.length < PREVIEW) this.preview.push(this.#begun.slice(0, 80))
    this.documents++
    this.#length = 0
    this.#begun = ''
  }

  #text(text: string): void {
    this.characters += text.length
    this.#length += text.length
    this.alphabet.add(text)
    for (const half of this.halves) half.offer(text)
  }
}
