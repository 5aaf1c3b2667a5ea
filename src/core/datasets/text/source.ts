import type { TextEncoding } from '../csv/text.ts'
import type { TextLayout } from '../types.ts'

/** Where a text lies and how its documents are written in it. */
export interface TextSource {
  path: string
  layout: TextLayout
  layoutWhy: string
  files: TextFile[]
}

export interface TextFile {
  path: string
  bytes: number
  /** Each line is a JSON object. */
  lines: boolean
}

/** A file whose encoding is known. */
export interface EncodedFile extends TextFile {
  encoding: TextEncoding
}

/** A part of a document: text, or a token that stands for none. `learned`: the loss of its tokens counts. */
export type Segment = { text: string; learned: boolean } | { mark: string; learned: boolean }

/** Documents come in pieces; the last one of a document `ends` it. */
export interface Piece {
  segments: Segment[]
  ends: boolean
}
