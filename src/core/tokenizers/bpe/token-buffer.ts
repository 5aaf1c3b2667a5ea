/** Tokens appended one by one, in one growing array. */
export class TokenBuffer {
  #tokens = new Int32Array(1_024)
  length = 0

  /** Makes room for so many more and gives the array to write them into, from `length` on. */
  room(count: number): Int32Array {
    if (this.length + count > this.#tokens.length) {
      const larger = new Int32Array(Math.max(this.length + count, this.#tokens.length * 2))
      larger.set(this.#tokens.subarray(0, this.length))
      this.#tokens = larger
    }
    return this.#tokens
  }

  append(tokens: Int32Array): void {
    this.room(tokens.length).set(tokens, this.length)
    this.length += tokens.length
  }

  taken(): Int32Array {
    return this.#tokens.slice(0, this.length)
  }
}
