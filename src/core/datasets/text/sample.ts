/** Characters taken together: a word should be whole, and a place be one of many. */
const PIECE = 4096

/** A part of a text that comes piece by piece, taken evenly from all of it. */
export class Sample {
  readonly taken: string[] = []
  readonly #fraction: number
  #due: number

  /** @param fraction  of the text @param delay  of a piece: two samples with different ones take different places */
  constructor(fraction: number, delay = 0) {
    this.#fraction = Math.min(1, fraction)
    this.#due = (1 - delay) * PIECE
  }

  offer(text: string): void {
    for (let at = 0; at < text.length; at += PIECE) {
      const piece = text.slice(at, at + PIECE)
      this.#due += piece.length * this.#fraction
      if (this.#due < Math.min(PIECE, piece.length)) continue
      this.taken.push(piece)
      this.#due -= piece.length
    }
  }
}
