import { END_OF_TEXT } from '../../tokenizers/index.ts'
import type { Piece } from './source.ts'

/**
 * The documents of a plain text: `<|endoftext|>` divides them (GPT-2's way to write a corpus into one file), nothing else
 * does. One newline after it belongs to it. Empty documents are none.
 */
export async function* plainPieces(texts: AsyncIterable<string>): AsyncGenerator<Piece> {
  let held = ''
  let fresh = false
  let begun = false
  for await (const text of texts) {
    const parts = (held + text).split(END_OF_TEXT)
    for (const [i, part] of parts.entries()) {
      const last = i === parts.length - 1
      const kept = last ? beginningOfMark(part) : 0
      const own = withoutNewline(part.slice(0, part.length - kept), fresh)
      if (part.length > kept) fresh = false
      held = part.slice(part.length - kept)
      const ends = !last
      if (own !== '' || (ends && begun)) yield piece(own, ends)
      begun = !ends && (begun || own !== '')
      fresh ||= ends
    }
  }
  if (held !== '' || begun) yield piece(held, true)
}

const piece = (text: string, ends: boolean): Piece => ({
  segments: text === '' ? [] : [{ text, learned: true }],
  ends,
})

const withoutNewline = (text: string, fresh: boolean) =>
  fresh && text.startsWith('\n') ? text.slice(1) : text

/** How many characters at the end may be the beginning of the mark. */
function beginningOfMark(text: string): number {
  for (let length = Math.min(END_OF_TEXT.length - 1, text.length); length > 0; length--)
    if (END_OF_TEXT.startsWith(text.slice(text.length - length))) return length
  return 0
}
