import {
  type BlobDescriptor,
  createDeleteAuth,
  createDownloadAuth,
  createUploadAuth,
  encodeAuthorizationHeader,
  type SignedEvent,
  type Signer,
} from 'blossom-client-sdk'
import type { KeyPair } from '../identity/index.ts'
import { sign } from '../nostr/index.ts'
import { ServerError } from './errors.ts'
import { type Answer, createRequests, type RequestOptions, reasonOf, refusalOf } from './request.ts'

/** What a server stores: one encrypted chunk. */
export type Chunk = { sha256: string; size: number }

const tokenSeconds = 10 * 60
/** What `HEAD /upload` may answer that an upload would not get past; anything else may mean "no BUD-06 here". */
const refusals: ReadonlySet<number> = new Set([402, 413, 415, 429, 507])

/**
 * Blossom over any server: BUD-01, BUD-02, BUD-06, tokens of BUD-11. The SDK makes the tokens; its `Actions` do not
 * serve here: they send a body before they are authorized, cannot be stopped when a server stalls, read without a
 * limit, and take every answer but 404 for "there".
 * All throw ServerError, or the signal's reason.
 */
export function createClient(options: RequestOptions & { now: () => number }) {
  const { request, body } = createRequests(options)
  /** Servers that read only padded standard base64 (khatru), though BUD-11 says base64url. */
  const standardBase64 = new Set<string>()
  /** Servers, by the key that signs, that took a chunk and have refused none since: they need not be asked again. */
  const welcoming = new Set<string>()
  const welcomeOf = (server: string, { pubkey }: KeyPair) => `${pubkey} ${server}`

  const signerOf =
    ({ secret }: KeyPair): Signer =>
    async draft =>
      sign({ ...draft, created_at: options.now() - 1 }, secret)
  const expiration = () => options.now() + tokenSeconds
  const header = (server: string, token: SignedEvent) =>
    standardBase64.has(server)
      ? `Nostr ${Buffer.from(JSON.stringify(token)).toString('base64')}`
      : encodeAuthorizationHeader(token)

  /** Sends with a token; a server that cannot read its base64 gets the other form, once, and that is remembered. */
  async function authorized(
    server: string,
    token: SignedEvent,
    send: (authorization: string) => Promise<Answer>,
  ): Promise<Answer> {
    const response = await send(header(server, token))
    if (response.status < 400 || response.status > 403 || standardBase64.has(server)) return response
    const reason = await reasonOf(response)
    if (!/invalid base64 token/i.test(reason)) throw new ServerError(reason, { status: response.status })
    standardBase64.add(server)
    return await send(header(server, token))
  }

  return {
    /** Whether the server has a chunk, by HEAD. */
    async has(server: string, chunk: Chunk, signal?: AbortSignal): Promise<boolean> {
      const response = await request(server, `/${chunk.sha256}`, { method: 'HEAD', signal })
      // Whatever its reason not to say, the upload will tell; only a server in trouble is given up here.
      if (response.status === 429 || response.status >= 500) throw await refusalOf(response)
      if (!response.ok) return false
      const length = response.header('content-length')
      return length === undefined || Number(length) === chunk.size
    },

    /**
     * BUD-06: asks whether a chunk would be taken, so that a refusal does not cost its body. Not of a server that has
     * taken the last one.
     */
    async check(server: string, chunk: Chunk, keys: KeyPair, signal?: AbortSignal): Promise<void> {
      if (welcoming.has(welcomeOf(server, keys))) return
      const token = await createUploadAuth(signerOf(keys), chunk.sha256, { expiration: expiration() })
      const response = await authorized(server, token, authorization =>
        request(server, '/upload', {
          method: 'HEAD',
          signal,
          headers: {
            authorization,
            'x-sha-256': chunk.sha256,
            'x-content-type': 'application/octet-stream',
            'x-content-length': `${chunk.size}`,
          },
        }),
      ).catch((error: unknown) => {
        if (!(error instanceof ServerError) || error.status === undefined || refusals.has(error.status))
          throw error
      })
      if (response && refusals.has(response.status)) throw await refusalOf(response)
    },

    /** Uploads a chunk and compares what the server says it stored. */
    async put(
      server: string,
      chunk: Chunk,
      content: Uint8Array,
      keys: KeyPair,
      signal?: AbortSignal,
    ): Promise<void> {
      const token = await createUploadAuth(signerOf(keys), chunk.sha256, { expiration: expiration() })
      const response = await authorized(server, token, authorization =>
        request(server, '/upload', {
          method: 'PUT',
          signal,
          body: content,
          headers: { authorization, 'content-type': 'application/octet-stream', 'x-sha-256': chunk.sha256 },
        }),
      )
      welcoming.delete(welcomeOf(server, keys))
      if (!response.ok) throw await refusalOf(response)
      const stored = await descriptorOf(await body(response, { limit: 64 * 1024, signal }))
      if (stored?.sha256 !== chunk.sha256 || stored.size !== chunk.size)
        throw new ServerError('says that it stored something else than what was sent')
      welcoming.add(welcomeOf(server, keys))
    },

    /**
     * Downloads a chunk into a buffer of exactly its size. What it holds is not verified yet: its key does that.
     * Signs only when the server asks for it.
     */
    async get(
      server: string,
      chunk: Chunk,
      into: Buffer,
      keys?: KeyPair,
      signal?: AbortSignal,
    ): Promise<void> {
      const path = `/${chunk.sha256}`
      let response = await request(server, path, { signal })
      if (response.status === 401 && keys) {
        response.stream.destroy()
        const token = await createDownloadAuth(signerOf(keys), chunk.sha256, { expiration: expiration() })
        response = await authorized(server, token, authorization =>
          request(server, path, { signal, headers: { authorization } }),
        )
      }
      if (!response.ok) throw await refusalOf(response)
      await body(response, { into, limit: chunk.size, signal })
    },

    /** Deletes a chunk; one that is not there is fine. */
    async remove(server: string, sha256: string, keys: KeyPair, signal?: AbortSignal): Promise<void> {
      const token = await createDeleteAuth(signerOf(keys), sha256, { expiration: expiration() })
      const response = await authorized(server, token, authorization =>
        request(server, `/${sha256}`, { method: 'DELETE', signal, headers: { authorization } }),
      )
      if (!response.ok && response.status !== 404 && response.status !== 410) throw await refusalOf(response)
      response.stream.resume()
    },
  }
}

export type BlossomClient = ReturnType<typeof createClient>

function descriptorOf(content: Buffer): Partial<BlobDescriptor> | undefined {
  try {
    // Whatever the server sent; only its hash and size are looked at.
    return JSON.parse(content.toString()) as Partial<BlobDescriptor> | undefined
  } catch {
    return undefined
  }
}
