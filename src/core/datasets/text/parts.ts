import { UserError } from '../../../shared/errors.ts'
import { assigner } from '../split.ts'
import { MOST_CUT, type ScannedText } from './scan.ts'
import type { Piece, Segment } from './source.ts'

export type Part = 'training' | 'holdout'

/** A piece of a document, or of the beginning or end of one that is divided. */
export interface PartPiece {
  part: Part
  segments: Segment[]
  /** Nothing of this document comes any more into this part. */
  ends: boolean
}

const FRACTION = 0.1

/**
 * What is kept back: the end of each document, or with many documents, and with records that mean something only as a whole,
 * documents drawn by the seed.
 * @returns for each document in order the characters that are trained on; all of them when it is Infinity
 * @throws UserError `dataset/holdout`, `dataset/too-few-documents`
 */
export function trainedLengths(
  { documents, lengths, corpus }: ScannedText,
  holdout: number | undefined,
  seed: number,
): Float64Array {
  const fraction = holdout ?? FRACTION
  if (!(fraction > 0 && fraction < 1)) {
    throw new UserError('dataset/holdout', {
      message: `A holdout of ${fraction} is not a fraction of the text.`,
      fix: 'Give a number above 0 and below 1, e.g. 0.1.',
    })
  }
  if (corpus.layout === 'plain' && documents <= MOST_CUT)
    return Float64Array.from(lengths, length => Math.floor(length * (1 - fraction)))
  if (documents < 2) {
    throw new UserError('dataset/too-few-documents', {
      message: 'There is one record only: none could be kept back for the final test.',
      fix: 'Give more records.',
      where: corpus.path,
    })
  }
  const kept = Math.min(documents - 1, Math.max(1, Math.round(documents * fraction)))
  const buckets = assigner([[kept, documents - kept]], seed)(new Int32Array(documents))
  return Float64Array.from(buckets, bucket => (bucket === 0 ? 0 : Number.POSITIVE_INFINITY))
}

/** The pieces of all documents, each for its part. */
export async function* divided(
  pieces: AsyncIterable<Piece>,
  trained: Float64Array,
): AsyncGenerator<PartPiece> {
  let document = 0
  let at = 0
  for await (const { segments, ends } of pieces) {
    const limit = trained[document]!
    const isWhole = limit === 0 || limit === Number.POSITIVE_INFINITY
    if (isWhole) yield { part: limit === 0 ? 'holdout' : 'training', segments, ends }
    else yield* cut(segments, limit - at, ends)
    for (const segment of segments) if ('text' in segment) at += segment.text.length
    if (!ends) continue
    document++
    at = 0
  }
}

/** @param left  characters of the training part that are still to come, negative when it is over */
function* cut(segments: Segment[], left: number, ends: boolean): Generator<PartPiece> {
  // Only plain texts are divided: they have one segment, or at a document's very end none.
  const [segment] = segments
  const text = segment && 'text' in segment ? segment.text : ''
  const end = Math.max(0, Math.min(text.length, left))
  const place = isHighSurrogate(text.charCodeAt(end - 1)) ? end - 1 : end
  if (left > 0) yield pieceOf('training', text.slice(0, place), left <= text.length || ends)
  if (left <= text.length) yield pieceOf('holdout', text.slice(place), ends)
}

const pieceOf = (part: Part, text: string, ends: boolean): PartPiece => ({
  part,
  segments: text === '' ? [] : [{ text, learned: true }],
  ends,
})

const isHighSurrogate = (unit: number): boolean => unit >= 0xd800 && unit <= 0xdbff
