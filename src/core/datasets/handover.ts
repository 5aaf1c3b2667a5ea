/** Values handed over one at a time: whoever gives one learns when it is not needed any more. */
export class Handover<T> implements AsyncIterable<T> {
  readonly #given: { value: T; used: PromiseWithResolvers<void> }[] = []
  #news = Promise.withResolvers<void>()
  #ended = false
  #failure: { error: unknown } | undefined

  /** Done when the next value is asked for. @throws what `fail` was told, before or meanwhile */
  give(value: T): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure.error)
    const used = Promise.withResolvers<void>()
    this.#given.push({ value, used })
    this.#news.resolve()
    return used.promise
  }

  /** After what was given there is nothing more. */
  end(): void {
    this.#ended = true
    this.#news.resolve()
  }

  /** Ends both sides. */
  fail(error: unknown): void {
    this.#failure ??= { error }
    for (const { used } of this.#given.splice(0)) used.reject(error)
    this.#news.resolve()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T> {
    for (;;) {
      const next = this.#given[0]
      if (this.#failure) throw this.#failure.error
      if (next) {
        yield next.value
        next.used.resolve()
        this.#given.shift()
      } else if (this.#ended) return
      else {
        await this.#news.promise
        this.#news = Promise.withResolvers()
      }
    }
  }
}
