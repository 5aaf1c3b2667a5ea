import { tokenizerFrom } from './file/read.ts'
import { charactersFile } from './file/write.ts'
import type { Tokenizer } from './types.ts'

/** Collects the alphabet of texts that come piece by piece. Characters are numbered in the order of their code points. */
export class CharacterTrainer {
  readonly #units = new Uint8Array(65_536)
  readonly #pairs = new Set<number>()

  /** @param piece  of sound UTF-16, not cut inside a character */
  add(piece: string): void {
    for (let i = 0; i < piece.length; i++) {
      const unit = piece.charCodeAt(i)
      if (unit < 0xd800 || unit > 0xdfff) {
        this.#units[unit] = 1
        continue
      }
      this.#pairs.add(piece.codePointAt(i)!) // i is inside the piece
      i++
    }
  }

  /** In order. */
  characters(): string[] {
    const units = Array.from(this.#units.keys()).filter(unit => this.#units[unit] === 1)
    return [...units, ...this.#pairs].sort((a, b) => a - b).map(code => String.fromCodePoint(code))
  }

  finish(special: readonly string[]): Tokenizer {
    return tokenizerFrom(charactersFile(this.characters(), special))
  }
}
