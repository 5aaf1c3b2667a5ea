import { type Seconds, seconds } from '../../shared/units.ts'

/** A relay that always has one more page is lying. */
const MAX_PAGES = 500
const MAX_EVENTS = 200_000

/**
 * Relays answer a REQ with no more than so many of the newest events, and do not say that there are older ones. So
 * pages are asked for, each up to the oldest event of the last, until one brings nothing new.
 */
export class Paging {
  #ids = new Set<string>()
  #inPage = 0
  #newInPage = 0
  #largest = 0
  #pages = 0
  #oldest = Number.POSITIVE_INFINITY

  /** An event of the current page. */
  add(raw: unknown): void {
    if (typeof raw !== 'object' || raw === null || !('id' in raw) || !('created_at' in raw)) return
    const { id, created_at } = raw
    if (typeof id !== 'string' || typeof created_at !== 'number' || !Number.isSafeInteger(created_at)) return
    this.#inPage++
    this.#oldest = Math.min(this.#oldest, created_at)
    if (this.#ids.has(id) || this.#ids.size >= MAX_EVENTS) return
    this.#ids.add(id)
    this.#newInPage++
  }

  /** The page ended (EOSE). */
  next(): { until: Seconds } | 'complete' | 'endless' {
    const [inPage, isNew] = [this.#inPage, this.#newInPage]
    this.#inPage = this.#newInPage = 0
    if (++this.#pages > MAX_PAGES || this.#ids.size >= MAX_EVENTS) return 'endless'
    if (inPage === 0 || this.#oldest <= 0) return 'complete'
    if (isNew > 0) {
      this.#largest = Math.max(this.#largest, inPage)
      return { until: seconds(this.#oldest) }
    }
    // Fewer than a page can hold: there is nothing older. As many: one second may fill a whole page; go below it.
    if (inPage < this.#largest) return 'complete'
    this.#oldest -= 1
    return { until: seconds(this.#oldest) }
  }
}
