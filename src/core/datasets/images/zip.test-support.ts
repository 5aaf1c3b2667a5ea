import { crc32, deflateRawSync } from 'node:zlib'

export interface Entry {
  name: string
  content: Uint8Array
  /** What the archive says it unpacks to, when it lies. */
  claimed?: number
}

const u16 = (...values: number[]) => Buffer.from(Uint16Array.from(values).buffer)
const u32 = (...values: number[]) => Buffer.from(Uint32Array.from(values).buffer)

/** A zip archive (APPNOTE 6.3: local headers, contents, central directory, its end). */
export function zipOf(entries: readonly Entry[]): Buffer {
  const parts: Buffer[] = []
  const directory: Buffer[] = []
  let at = 0
  for (const { name, content, claimed = content.length } of entries) {
    const packed = deflateRawSync(content)
    const file = Buffer.from(name)
    const facts = Buffer.concat([
      u16(20, 0, 8, 0, 0),
      u32(crc32(content), packed.length, claimed),
      u16(file.length, 0),
    ])
    directory.push(Buffer.concat([u32(0x02014b50), u16(20), facts, u16(0, 0, 0), u32(0, at), file]))
    const local = Buffer.concat([u32(0x04034b50), facts, file, packed])
    parts.push(local)
    at += local.length
  }
  const central = Buffer.concat(directory)
  const count = entries.length
  return Buffer.concat([
    ...parts,
    central,
    u32(0x06054b50),
    u16(0, 0, count, count),
    u32(central.length, at),
    u16(0),
  ])
}
