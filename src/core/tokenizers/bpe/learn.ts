import { Heap } from './heap.ts'
import { PairMap } from './pairs.ts'

export interface CountedWord {
  /** Tokens of its bytes; merged in place. */
  symbols: Int32Array
  count: number
}

/** A longer token would be a text learned by heart; only scripts without spaces come near it. */
const LONGEST = 256

interface Candidate {
  pair: number
  count: number
}

/**
 * The merges of a byte-pair encoding, most frequent pair first, until the vocabulary is full or no pair is left. A merge
 * looks only at the words that hold its pair, and a heap knows the next one: counts in it may be too high and are then put
 * right when they come up.
 * @param names  tokens there are; new ones are appended
 */
export function learnMerges(
  words: readonly CountedWord[],
  names: string[],
  numbers: Map<string, number>,
  vocabulary: number,
): [string, string][] {
  const pairs = new PairCounts(words)
  const merges: [string, string][] = []
  while (names.length < vocabulary) {
    const best = pairs.next()
    if (best < 0) break
    const [left, right] = [names[pairs.left(best)]!, names[pairs.right(best)]!]
    if (left.length + right.length > LONGEST) {
      pairs.leaveOut(best)
      continue
    }
    const number = numbers.get(left + right) ?? names.length
    if (number === names.length) names.push(left + right)
    numbers.set(left + right, number)
    merges.push([left, right])
    pairs.merge(best, number)
  }
  return merges
}

/** How often each pair of neighbours occurs, and in which words. */
class PairCounts {
  readonly #words: readonly CountedWord[]
  readonly #lengths: Int32Array
  readonly #numbers = new PairMap(65_536)
  readonly #lefts: number[] = []
  readonly #rights: number[] = []
  readonly #counts: number[] = []
  readonly #places: number[][] = []
  readonly #heap: Heap<Candidate>

  constructor(words: readonly CountedWord[]) {
    this.#words = words
    this.#lengths = Int32Array.from(words, ({ symbols }) => symbols.length)
    this.#heap = new Heap((a, b) => this.#before(a, b))
    for (const [w, { symbols, count }] of words.entries())
      for (let i = 0; i + 1 < symbols.length; i++) this.#add(symbols[i]!, symbols[i + 1]!, count, w)
    for (const [pair, count] of this.#counts.entries()) this.#heap.push({ pair, count })
  }

  left = (pair: number): number => this.#lefts[pair]!
  right = (pair: number): number => this.#rights[pair]!

  /** The most frequent pair, −1 when there is none. */
  next(): number {
    for (let top = this.#heap.pop(); top; top = this.#heap.pop()) {
      const count = this.#counts[top.pair]!
      if (count === top.count && count > 0) return top.pair
      if (count > 0) this.#heap.push({ pair: top.pair, count })
    }
    return -1
  }

  leaveOut(pair: number): void {
    this.#counts[pair] = 0
    this.#places[pair] = []
  }

  merge(pair: number, number: number): void {
    const changed = new Set<number>()
    const places = this.#places[pair]!
    this.#places[pair] = []
    for (const word of places) this.#mergeIn(word, pair, number, changed)
    this.#counts[pair] = 0
    for (const other of changed) {
      const count = this.#counts[other]!
      if (count > 0) this.#heap.push({ pair: other, count })
    }
  }

  #mergeIn(word: number, pair: number, number: number, changed: Set<number>): void {
    const { symbols, count } = this.#words[word]!
    const [left, right] = [this.left(pair), this.right(pair)]
    const length = this.#lengths[word]!
    let to = 0
    for (let from = 0; from < length; from++, to++) {
      if (symbols[from] !== left || from + 1 >= length || symbols[from + 1] !== right) {
        symbols[to] = symbols[from]!
        continue
      }
      if (to > 0) {
        this.#add(symbols[to - 1]!, left, -count, word)
        changed.add(this.#add(symbols[to - 1]!, number, count, word))
      }
      if (from + 2 < length) {
        this.#add(right, symbols[from + 2]!, -count, word)
        changed.add(this.#add(number, symbols[from + 2]!, count, word))
      }
      symbols[to] = number
      from++
    }
    this.#lengths[word] = to
  }

  #add(left: number, right: number, count: number, word: number): number {
    let pair = this.#numbers.get(left, right)
    if (pair < 0) {
      pair = this.#counts.push(0) - 1
      this.#lefts.push(left)
      this.#rights.push(right)
      this.#places.push([])
      this.#numbers.set(left, right, pair)
    }
    this.#counts[pair]! += count
    const places = this.#places[pair]!
    if (count > 0 && places.at(-1) !== word) places.push(word)
    return pair
  }

  #before(a: Candidate, b: Candidate): boolean {
    if (a.count !== b.count) return a.count > b.count
    const byLeft = this.left(a.pair) - this.left(b.pair)
    return byLeft === 0 ? this.right(a.pair) < this.right(b.pair) : byLeft < 0
  }
}
