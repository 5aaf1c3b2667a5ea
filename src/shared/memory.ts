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
      if (byteLength < large || buffer.byteLength !== size) return
      const whole = Buffer.from(buffer)
      if (free.length < most) free.push(whole)
      else discard(whole)
    },
  }
}

/**
 * Gives back the memory of a buffer that nobody needs any more, now: the collector sees a few bytes of JavaScript and not
 * the 64 KiB behind them, and when it does, it walks through everything there is. Left alone where others share the memory.
 */
export function discard({ buffer, byteLength }: Uint8Array): void {
  if (buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength >= worthDiscarding)
    buffer.transfer(0)
}

/** Node's own pool of memory for small buffers is 8 KiB, and shared. */
const worthDiscarding = 16 * 1024
