import { bytesNamed } from './byte-names.ts'
import type { Merges } from './merge.ts'
import { PairMap } from './pairs.ts'
import { byteToken, METASPACE, type Spelling } from './spelling.ts'

/** A vocabulary that cannot be used, for the caller to say where it stood. */
export class VocabularyError extends Error {}

export interface Vocabulary {
  /** By number; holes are undefined. */
  names: readonly (string | undefined)[]
  numbers: ReadonlyMap<string, number>
  merges: Merges
  /** Tokens of the 256 bytes. */
  byteTokens: Int32Array
  /** What a token says, as UTF-8; special tokens say nothing. */
  bytesOf: readonly (Uint8Array | undefined)[]
}

/**
 * @param named  tokens' names and numbers, without the special ones
 * @throws VocabularyError
 */
export function vocabularyOf(
  named: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
  special: ReadonlyMap<string, number>,
  spelling: Spelling,
): Vocabulary {
  const names: (string | undefined)[] = []
  for (const [name, number] of [...named, ...special]) {
    if (names[number] !== undefined && names[number] !== name)
      throw new VocabularyError(`"${names[number]}" and "${name}" have the same number, ${number}`)
    names[number] = name
  }
  const bytesOf: (Uint8Array | undefined)[] = []
  for (const [name, number] of named) {
    if (!special.has(name)) bytesOf[number] = bytesSaid(name, spelling)
  }
  return {
    names,
    numbers: named,
    merges: mergesOf(named, merges),
    byteTokens: byteTokensOf(named, bytesOf, spelling),
    bytesOf,
  }
}

const utf8 = new TextEncoder()

function bytesSaid(name: string, { kind }: Spelling): Uint8Array {
  if (kind === 'bytes') {
    const bytes = bytesNamed(name)
    if (!bytes) throw new VocabularyError(`the token "${name}" has a character that stands for no byte`)
    return bytes
  }
  const byte = /^<0x([0-9A-F]{2})>$/.exec(name)
  return byte
    ? Uint8Array.of(Number.parseInt(byte[1]!, 16)) // the group takes part in every match
    : utf8.encode(name.replaceAll(METASPACE, ' '))
}

function mergesOf(
  numbers: ReadonlyMap<string, number>,
  merges: readonly (readonly [string, string])[],
): Merges {
  const ranks = new PairMap(merges.length)
  const merged = new Int32Array(merges.length)
  for (const [rank, [left, right]] of merges.entries()) {
    const [a, b, ab] = [numbers.get(left), numbers.get(right), numbers.get(left + right)]
    if (a === undefined || b === undefined || ab === undefined)
      throw new VocabularyError(
        `merge ${rank + 1} ("${left}" + "${right}") has a token that is not in the vocabulary`,
      )
    if (ranks.get(a, b) < 0) ranks.set(a, b, rank)
    merged[rank] = ab
  }
  return { ranks, merged }
}

function byteTokensOf(
  numbers: ReadonlyMap<string, number>,
  bytesOf: readonly (Uint8Array | undefined)[],
  { kind }: Spelling,
): Int32Array {
  const tokens = new Int32Array(256).fill(-1)
  if (kind === 'bytes') {
    for (const [number, bytes] of bytesOf.entries()) if (bytes?.length === 1) tokens[bytes[0]!] = number
  } else {
    for (let byte = 0; byte < 256; byte++) tokens[byte] = numbers.get(byteToken(byte)) ?? -1
  }
  const missing = tokens.indexOf(-1)
  if (missing >= 0)
    throw new VocabularyError(
      `the byte ${byteToken(missing)} has no token, so that some texts could not be written`,
    )
  return tokens
}
