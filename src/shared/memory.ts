/** Smaller ones are not worth keeping. */
const large = 1024 * 1024

/**
 * Large buffers, lent out and taken back: the system clears every page of fresh memory, which takes about as long as
 * encrypting as much.
 */
export interface Memory {
  /** A buffer of exactly this many bytes, with whatever was in it before. */
  lend(bytes: number): Buffer
  /** Once nobody reads or writes it any more: no request, no file. */
  takeBack(buffer: Buffer): void
}

/**
 * @param size  bytes of every buffer that is kept, the largest that can be asked for
 * @param most  so many are kept
 */
export function memoryOf(size: number, most = 6): Memory {
  const free: Buffer[] = []
  return {
    lend(bytes) {
      if (bytes < large || bytes > size) return Buffer.allocUnsafe(bytes)
      return (free.pop() ?? Buffer.allocUnsafeSlow(size)).subarray(0, bytes)
    },
    takeBack({ buffer, byteLength }) {
      // Only what was lent from here fills a whole buffer of that size.
      if (byteLength >= large && buffer.byteLength === size && free.length < most)
        free.push(Buffer.from(buffer))
    },
  }
}
