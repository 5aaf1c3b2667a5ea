/** Mean and standard deviation of numbers that come in blocks; NaN is left out. */
export class Moments {
  #count = 0
  #missing = 0
  /** A value of the column: sums of differences from it do not cancel where sums of squares would. */
  #shift = Number.NaN
  #sum = 0
  #squares = 0

  /** @param buckets  rows of bucket 0, the holdout, and of none are not looked at */
  add(values: Float64Array | Int32Array, buckets: Int32Array): void {
    let [count, missing, shift, sum, squares] = [
      this.#count,
      this.#missing,
      this.#shift,
      this.#sum,
      this.#squares,
    ]
    for (let i = 0; i < buckets.length; i++) {
      if (buckets[i]! <= 0) continue
      const value = values[i]!
      if (Number.isNaN(value)) {
        missing++
        continue
      }
      if (count === 0) shift = value
      const difference = value - shift
      count++
      sum += difference
      squares += difference * difference
    }
    this.#count = count
    this.#missing = missing
    this.#shift = shift
    this.#sum = sum
    this.#squares = squares
  }

  /** Part of the rows without a value. */
  get missing(): number {
    return this.#missing / Math.max(1, this.#missing + this.#count)
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#shift + this.#sum / this.#count
  }

  /** Standard deviation; 1 for a constant, so that it can be divided by. */
  get scale(): number {
    if (this.#count === 0) return 1
    const mean = this.#sum / this.#count
    const deviation = Math.sqrt(Math.max(0, this.#squares / this.#count - mean * mean))
    return deviation > Math.abs(this.mean) * 1e-12 && Number.isFinite(deviation) ? deviation : 1
  }
}
