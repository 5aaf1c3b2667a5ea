import { seeded } from '../random.ts'
import type { Reader } from './reader.ts'
import { type SamplingOptions, sample } from './sampling.ts'

export interface GenerateRequest extends SamplingOptions {
  /** What the text goes on from; at least one token. */
  prompt: ArrayLike<number>
  /** New tokens at most. */
  most: number
  /** The same seed gives the same text on the same machine. */
  seed: number
  /** Tokens that end the text and are no part of it. */
  stops?: ReadonlySet<number>
  /** Ends the text after the token that is being computed. */
  signal?: AbortSignal
}

/** The tokens that go on a text, one by one as they are chosen. @throws UserError `training/engine` */
export async function* generate(reader: Reader, request: GenerateRequest): AsyncGenerator<number> {
  const { prompt, most, seed, stops, signal, ...options } = request
  const random = seeded(seed)
  let unread = prompt
  for (let count = 0; count < most && !signal?.aborted; count++) {
    const token = sample(await reader.read(unread), options, random)
    if (stops?.has(token)) return
    yield token
    unread = [token]
  }
}
