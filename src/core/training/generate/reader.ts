import { fromOrt, toOrt, weightFeeds } from '../feeds.ts'
import { encodeModel } from '../graph/index.ts'
import { modelOf, type TextArchitecture } from '../models/index.ts'
import { type Feeds, openSession, runSession, type Session, type SessionOptions } from '../session.ts'
import { f32, type Tensors } from '../tensor.ts'
import { Cache } from './cache.ts'
import { readingGraph } from './reading-graph.ts'

export interface ReaderOptions extends SessionOptions {
  /** Remembers keys and values of what was read; without it everything is read again for each token. Default true. */
  cache?: boolean | undefined
}

/** Tokens that are read together where there are many. */
const CHUNK = 64
/** From so many on the larger graph pays for its loading. */
const MANY = 8

/**
 * A model of text that reads one text and says what may follow. It sees at most `context` tokens: where more come it
 * forgets all but the newest half of them, and reads on from there.
 */
export class Reader {
  readonly #architecture: TextArchitecture
  readonly #options: ReaderOptions
  readonly #weights: Feeds
  readonly #context: number
  readonly #sessions = new Map<number, Session>()
  #cache: Cache | undefined
  /** What it sees of the text. */
  #tokens: number[] = []

  /** @param weights  the model's parameters, f32; not copied */
  constructor(architecture: TextArchitecture, weights: Tensors, options: ReaderOptions = {}) {
    this.#architecture = architecture
    this.#options = options
    this.#weights = weightFeeds(modelOf(architecture).parameters, weights)
    this.#context = architecture.model.context
  }

  /**
   * Reads on.
   * @param tokens  at least one
   * @returns logits `[vocabulary]` of the token that follows the last
   * @throws UserError `training/engine`
   */
  async read(tokens: ArrayLike<number>): Promise<Float32Array> {
    const more = Array.from(tokens)
    if (more.length === 0) throw new RangeError('nothing to read')
    if (this.#options.cache === false) return this.#readAgain(more)
    const seen = this.#tokens.length + more.length <= this.#context
    const unread = seen ? more : [...this.#tokens, ...more].slice(-Math.max(1, this.#context >> 1))
    if (!seen) this.#tokens = []
    return this.#readOn(unread)
  }

  /**
   * Begins with another text, of which it keeps what it has read of it already.
   * @returns how many of the tokens these are: at least the last is still to be read
   */
  begin(tokens: readonly number[]): number {
    const other = tokens.findIndex((token, i) => token !== this.#tokens[i])
    const same = Math.min(other < 0 ? tokens.length : other, tokens.length - 1)
    const known = this.#options.cache === false ? 0 : Math.max(0, same)
    this.#tokens.length = known
    return known
  }

  async close(): Promise<void> {
    for (const size of [...this.#sessions.keys()]) await this.#release(size)
  }

  async #readOn(unread: number[]): Promise<Float32Array> {
    let logits: Float32Array = new Float32Array(0)
    for (let from = 0; from < unread.length; ) {
      const size = unread.length - from >= MANY ? Math.min(CHUNK, this.#context) : 1
      const part = unread.slice(from, from + size)
      const { results, cache } = await this.#run(part, this.#tokens.length, size)
      cache.store(results, this.#tokens.length, part.length)
      this.#tokens.push(...part)
      logits = fromOrt(results.logits).data
      from += part.length
    }
    // Two open sessions slow each other, and single tokens are all that follows a prompt.
    for (const size of [...this.#sessions.keys()]) if (size !== 1) await this.#release(size)
    return logits
  }

  async #readAgain(more: number[]): Promise<Float32Array> {
    this.#tokens = [...this.#tokens, ...more].slice(-this.#context)
    const size = Math.min(this.#context, Math.ceil(this.#tokens.length / CHUNK) * CHUNK)
    for (const other of [...this.#sessions.keys()]) if (other !== size) await this.#release(other)
    const { results } = await this.#run(this.#tokens, 0, size)
    return fromOrt(results.logits).data
  }

  /** @param before  tokens in the cache @param size  of the graph; fewer tokens are filled up with ones nobody sees */
  async #run(tokens: number[], before: number, size: number): Promise<{ results: Feeds; cache: Cache }> {
    const room = this.#options.cache === false ? 0 : this.#context
    const session = await this.#session(size, room)
    const cache = this.#cache!
    const results = await runSession(session, {
      ...this.#weights,
      ...cache.feeds,
      tokens: toOrt(i32([1, size], i => tokens[i] ?? 0)),
      positions: toOrt(i32([size], i => Math.min(before + i, this.#context - 1))),
      last: toOrt(i32([1], () => tokens.length - 1)),
      mask: toOrt(f32([size, room + size], maskOf(before, size, room))),
    })
    return { results, cache }
  }

  async #session(size: number, room: number): Promise<Session> {
    const known = this.#sessions.get(size)
    if (known) return known
    const { graph, layers } = readingGraph(this.#architecture, size, room)
    this.#cache ??= new Cache(layers, room)
    const session = await openSession(encodeModel(graph), this.#options)
    this.#sessions.set(size, session)
    return session
  }

  async #release(size: number): Promise<void> {
    await this.#sessions.get(size)?.release()
    this.#sessions.delete(size)
  }
}

/** `[size, room + size]`: new token i sees what was read before and new ones up to itself. */
function maskOf(before: number, size: number, room: number): Float32Array {
  const width = room + size
  return Float32Array.from({ length: size * width }, (_, at) => {
    const [i, j] = [Math.floor(at / width), at % width]
    return j < Math.min(before, room) || (j >= room && j - room <= i) ? 0 : -1e9
  })
}

const i32 = (shape: number[], value: (i: number) => number) => {
  const size = shape.reduce((product, d) => product * d, 1)
  return { dtype: 'I32' as const, shape, data: Int32Array.from({ length: size }, (_, i) => value(i)) }
}
