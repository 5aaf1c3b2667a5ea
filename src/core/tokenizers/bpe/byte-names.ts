/**
 * GPT-2's spelling of bytes as printable characters, so that a vocabulary of bytes can be written as text: printable
 * Latin-1 stands for itself, the other 68 bytes for U+0100 and on.
 */
const printable = (byte: number): boolean =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae

/** The character that stands for each byte. */
export const BYTE_NAMES: readonly string[] = (() => {
  let other = 0
  return Array.from({ length: 256 }, (_, byte) =>
    String.fromCharCode(printable(byte) ? byte : 0x100 + other++),
  )
})()

const BYTES = new Map(BYTE_NAMES.map((name, byte) => [name, byte]))

/** The bytes that a token's name stands for; undefined when a character of it stands for none. */
export function bytesNamed(name: string): Uint8Array | undefined {
  const bytes = new Uint8Array(name.length)
  for (let i = 0; i < name.length; i++) {
    const byte = BYTES.get(name[i]!)
    if (byte === undefined) return undefined
    bytes[i] = byte
  }
  return bytes
}
