import type { TextLayout } from '../types.ts'
import { charactersOf } from './characters.ts'
import { linesOf } from './lines.ts'
import { plainPieces } from './plain.ts'
import { segmentsOf } from './records.ts'
import type { EncodedFile, Piece } from './source.ts'

export interface Corpus {
  path: string
  layout: TextLayout
  files: EncodedFile[]
}

/** All documents, file by file, in pieces of about a megabyte at most (a JSON line is one piece). May be read again. */
export async function* piecesOf({ layout, files }: Corpus, signal?: AbortSignal): AsyncGenerator<Piece> {
  for (const file of files) {
    const texts = charactersOf(file)
    const pieces = file.lines ? recordPieces(texts, layout, file.path) : plainPieces(texts)
    for await (const piece of pieces) {
      signal?.throwIfAborted()
      yield piece
    }
  }
}

async function* recordPieces(
  texts: AsyncIterable<string>,
  layout: TextLayout,
  path: string,
): AsyncGenerator<Piece> {
  for await (const line of linesOf(texts, path))
    yield { segments: segmentsOf(line, layout, path), ends: true }
}
