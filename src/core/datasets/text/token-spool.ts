import { NamelessFile } from '../nameless-file.ts'

const BUFFER = 1024 * 1024

export type TokenArray = Uint16Array | Int32Array

/** Tokens one after another, and whether each is learned, on their way to blocks: in temporary files. */
export class TokenSpool {
  readonly wide: boolean
  readonly #tokens: Appended
  readonly #mask: Appended | undefined
  length = 0

  /** @param wide  32 bits a token instead of 16 @param masked  whether a token is learned is kept too */
  constructor(folder: string | undefined, wide: boolean, masked: boolean) {
    this.wide = wide
    this.#tokens = new Appended(folder)
    this.#mask = masked ? new Appended(folder) : undefined
  }

  append(tokens: Int32Array, learned: boolean): void {
    this.length += tokens.length
    const stored = this.wide ? tokens : Uint16Array.from(tokens)
    this.#tokens.append(new Uint8Array(stored.buffer, stored.byteOffset, stored.byteLength))
    this.#mask?.append(new Uint8Array(tokens.length).fill(learned ? 1 : 0))
  }

  read(from: number, count: number): { tokens: TokenArray; learned: Uint8Array | undefined } {
    const tokens = this.wide ? new Int32Array(count) : new Uint16Array(count)
    const size = tokens.BYTES_PER_ELEMENT
    this.#tokens.read(new Uint8Array(tokens.buffer), from * size)
    const learned = this.#mask && new Uint8Array(count)
    if (learned) this.#mask?.read(learned, from)
    return { tokens, learned }
  }

  close(): void {
    this.#tokens.close()
    this.#mask?.close()
  }
}

/** A file that small pieces are appended to. */
class Appended {
  readonly #file: NamelessFile
  readonly #buffer = new Uint8Array(BUFFER)
  #used = 0

  constructor(folder: string | undefined) {
    this.#file = new NamelessFile(folder)
  }

  append(bytes: Uint8Array): void {
    if (this.#used + bytes.length > BUFFER) this.#flush()
    if (bytes.length > BUFFER) return this.#file.append(bytes)
    this.#buffer.set(bytes, this.#used)
    this.#used += bytes.length
  }

  read(bytes: Uint8Array, position: number): void {
    this.#flush()
    this.#file.read(bytes, position)
  }

  close(): void {
    this.#file.close()
  }

  #flush(): void {
    this.#file.append(this.#buffer.subarray(0, this.#used))
    this.#used = 0
  }
}
