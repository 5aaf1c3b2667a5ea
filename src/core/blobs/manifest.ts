import { z } from 'zod'
import { bytes } from '../../shared/units.ts'
import { tagBytes } from './chunk.ts'

/** Most plaintext in one chunk. */
export const maxChunk = 4 * 1024 * 1024
/** 16 GiB of plaintext: more than any shard or model that Gradstr sends. */
export const maxChunks = 4096

export const maxServers = 16

const hex32 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 32 bytes in lower-case hex')

/** A server's address as it is compared and stored: scheme, host, port, and no path. */
const server = z
  .string()
  .max(256)
  .regex(/^https?:\/\/[^\s/?#@\\]+$/, 'must be http(s)://host[:port] without a path')

const sealedShape = z.object({
  v: z.literal(1),
  /** AES-256 key, fresh for each blob. */
  key: hex32,
  /** Encrypted chunks in order: SHA-256 and size of what the server stores, tag included. */
  chunks: z
    .array(
      z.object({
        sha256: hex32,
        size: z
          .int()
          .min(tagBytes)
          .max(maxChunk + tagBytes),
      }),
    )
    .min(1)
    .max(maxChunks),
  /** Of the plaintext. */
  sha256: hex32,
  /** Of the plaintext. */
  size: z
    .int()
    .min(0)
    .max(maxChunk * maxChunks)
    .transform(bytes),
  type: z.string().regex(/^[\w.+-]{1,60}\/[\w.+-]{1,60}$/, 'must be a media type'),
})

/** An encrypted blob: everything but where it lies. */
export type Sealed = z.output<typeof sealedShape>

/**
 * How to fetch and open one encrypted blob (docs/protocol.md, blobs). Whoever has it can read the blob, so it travels
 * only inside private events. All chunks but the last have the same size, and together they are exactly `size`.
 */
export const manifest = sealedShape
  .extend({ servers: z.array(server).min(1).max(maxServers) })
  .superRefine((value, context) => {
    const problem = sizeProblem(value)
    if (problem) context.addIssue({ code: 'custom', path: ['chunks'], message: problem })
  })

export type Manifest = z.output<typeof manifest>

/** Plaintext bytes of every chunk but the last. */
export const stride = ({ chunks }: Pick<Sealed, 'chunks'>): number => (chunks[0]?.size ?? tagBytes) - tagBytes

function sizeProblem({ chunks, size }: Pick<Sealed, 'chunks' | 'size'>): string | undefined {
  const full = stride({ chunks })
  const last = chunks.length - 1
  if (chunks.some((chunk, i) => (i < last ? chunk.size - tagBytes !== full : chunk.size - tagBytes > full)))
    return 'all chunks but the last must have the same size, and the last must not be larger'
  if (last > 0 && chunks[last]?.size === tagBytes)
    return 'only the single chunk of an empty blob may be empty'
  const total = chunks.reduce((sum, chunk) => sum + chunk.size - tagBytes, 0)
  return total === size ? undefined : `chunks hold ${total} bytes, but size says ${size}`
}

/** Addresses as a manifest has them, without repetitions; what is no address at all is left out. */
export const originsOf = (servers: readonly string[]): string[] => [
  ...new Set(servers.filter(server => URL.canParse(server)).map(server => new URL(server).origin)),
]
