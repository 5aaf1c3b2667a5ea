import type { Division } from './words.ts'

/** How texts and token names belong together, besides the merges. */
export type Spelling = ByteSpelling | MetaspaceSpelling

/** GPT-2, Llama 3: names spell UTF-8 bytes. Any text comes back as it was (after the normal form, if there is one). */
export interface ByteSpelling {
  kind: 'bytes'
  divisions: readonly Division[]
  normalForm?: 'NFC'
}

/**
 * Llama 2 (SentencePiece): names spell characters, with ▁ (U+2581) for a space; what has no character token is spelled in
 * `<0x…>` bytes. `prefix`: a ▁ is put before a text `always`, `unless` it begins with one, or `never`; decoding takes it away.
 */
export interface MetaspaceSpelling {
  kind: 'metaspace'
  prefix: 'always' | 'unless' | 'never'
}

export const METASPACE = '\u2581'
export const byteToken = (byte: number): string => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`
