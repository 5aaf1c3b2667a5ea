import type { IncomingMessage } from 'node:http'
import { keptConnections } from '../../shared/http.ts'
import { discard } from '../../shared/memory.ts'
import { ServerError } from './errors.ts'
import type { AddressPolicy } from './policy.ts'

export interface RequestOptions {
  policy: AddressPolicy
  /** A server that moves nothing for this long is given up. */
  stallMs: number
}

interface Outgoing {
  method?: 'GET' | 'HEAD' | 'PUT' | 'DELETE'
  headers?: Record<string, string>
  body?: Uint8Array
  signal?: AbortSignal | undefined
}

/** A server's answer, its body still to be read; whoever does not read it drops it by `stream.destroy()`. */
export interface Answer {
  status: number
  /** 200 to 299. */
  ok: boolean
  header(name: string): string | undefined
  stream: IncomingMessage
}

/** Slower than this on the whole counts as stalled too: a server must not hold a job by a byte a minute. */
const bytesPerMs = 16
const maxRedirects = 3

/**
 * HTTP as Blossom needs it: addresses checked at every hop, nothing waited for longer than it may stall.
 */
export function createRequests({ policy, stallMs }: RequestOptions) {
  const connect = keptConnections()
  const patience = (size: number) => stallMs + size / bytesPerMs

  /** @throws ServerError when there is no answer */
  async function request(server: string, path: string, outgoing: Outgoing): Promise<Answer> {
    let url = new URL(path, server)
    for (let hop = 0; ; hop++) {
      const objection = await policy(url)
      if (objection) throw new ServerError(`${url.origin} ${objection}`)
      const answer = await send(url, outgoing, url.origin === new URL(server).origin)
      const { status } = answer
      const location = answer.header('location')
      if (status < 300 || status > 399 || location === undefined) return answer
      answer.stream.destroy()
      if (outgoing.method === 'PUT' || outgoing.method === 'DELETE' || hop === maxRedirects)
        throw new ServerError('redirects elsewhere', { status })
      if (!URL.canParse(location, url.href)) throw new ServerError('redirects to no address', { status })
      url = new URL(location, url)
      if (url.protocol !== 'http:' && url.protocol !== 'https:')
        throw new ServerError('redirects to no address', { status })
    }
  }

  function send(url: URL, outgoing: Outgoing, home: boolean): Promise<Answer> {
    const { method = 'GET', headers = {}, body, signal } = outgoing
    // A token is for the server it was made for, not for where that server redirects to.
    const { authorization, ...open } = headers
    const options = {
      method,
      headers: {
        'accept-encoding': 'identity',
        ...open,
        ...(home && authorization ? { authorization } : {}),
        ...(body === undefined ? {} : { 'content-length': String(body.length) }),
      },
    }
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted()
      const sent = connect(url, options)
      const give = (error: unknown) => {
        reject(error)
        sent.destroy()
      }
      const { stop } = watch(patience(body?.length ?? 0), signal, give, 'does not answer (stalled)')
      sent.once('socket', socket => {
        // After node:http has parsed what came, and given us a copy of the body.
        socket.on('data', discard)
        sent.once('close', () => socket.off('data', discard))
      })
      sent.once('response', stream => {
        stop()
        const status = stream.statusCode ?? 0
        const header = (name: string) => {
          const value = stream.headers[name]
          return Array.isArray(value) ? value[0] : value
        }
        // Nothing follows, and only then is the connection free again.
        if (method === 'HEAD') stream.resume()
        resolve({ status, ok: status >= 200 && status < 300, header, stream })
      })
      // Also what happens after the answer began; then its reader sees it.
      sent.on('error', error => {
        stop()
        reject(new ServerError(`does not answer (${causeOf(error)})`, { broken: true }))
      })
      sent.end(body)
    })
  }

  /**
   * Reads a body, at most `limit` bytes of it.
   * @param want.into  filled to its end, where the length is known
   * @throws ServerError when it stalls, is longer, or does not fill `into`
   */
  async function body(
    { stream, header }: Answer,
    want: { limit: number; into?: Buffer; signal?: AbortSignal | undefined },
  ): Promise<Buffer> {
    const { limit, into, signal } = want
    const give = (error: Error) => void stream.destroy(error)
    const stalling = watch(stallMs, signal, give)
    const late = watch(patience(limit), undefined, give)
    try {
      const claimed = Number(header('content-length') ?? into?.length ?? 0)
      if (into !== undefined && claimed !== into.length)
        throw new ServerError(`says it has ${claimed} bytes instead of ${into.length}`)
      return await collect(stream, want, stalling.heard)
    } catch (error) {
      signal?.throwIfAborted()
      throw error instanceof ServerError
        ? error
        : new ServerError(`breaks off (${causeOf(error)})`, { broken: true })
    } finally {
      stalling.stop()
      late.stop()
      // Also ends a transfer that was given up.
      stream.destroy()
    }
  }

  return { request, body }
}

/** The whole of a stream, straight into its place where there is one. */
function collect(
  stream: IncomingMessage,
  { limit, into }: { limit: number; into?: Buffer },
  heard: () => void,
): Promise<Buffer> {
  const parts: Buffer[] = []
  let size = 0
  return new Promise((resolve, reject) => {
    stream.on('data', (part: Buffer) => {
      heard()
      if (size + part.length > limit)
        return void stream.destroy(new ServerError(`sends more than ${limit} bytes`))
      size += part.length
      if (into) {
        part.copy(into, size - part.length)
        discard(part)
      } else parts.push(part)
    })
    stream.once('end', () => {
      if (into && size !== into.length)
        reject(new ServerError(`gave ${size} bytes instead of ${into.length}`))
      else resolve(into ?? Buffer.concat(parts))
    })
    stream.once('error', reject)
    stream.once('close', () => reject(new Error('closed too early')))
  })
}

/** Calls `give` when the time since it was `heard` is over or the caller's signal says so, unless it is stopped before. */
function watch(
  ms: number,
  signal: AbortSignal | undefined,
  give: (error: Error) => void,
  late = 'stalls',
): { heard(): void; stop(): void } {
  const aborted = () => give(signal?.reason instanceof Error ? signal.reason : new Error('aborted'))
  const timer = setTimeout(() => give(new ServerError(late)), ms)
  signal?.addEventListener('abort', aborted)
  return {
    heard: () => void timer.refresh(),
    stop() {
      clearTimeout(timer)
      signal?.removeEventListener('abort', aborted)
    },
  }
}

const named: Record<number, string> = {
  401: 'wants authorization',
  402: 'wants payment',
  403: 'refuses',
  404: 'does not have it',
  413: 'refuses: too large',
  415: 'refuses this type of content',
  429: 'has had too many requests',
  507: 'is full',
}

export async function refusalOf(answer: Answer): Promise<ServerError> {
  return new ServerError(await reasonOf(answer), { status: answer.status })
}

/** The server's own words, from `X-Reason` or the body's beginning, after what its status means. */
export async function reasonOf({ status, header, stream }: Answer): Promise<string> {
  const text = header('x-reason') ?? (await beginningOf(stream))
  stream.destroy()
  const words = text.replace(/[^\x20-\x7e]+/g, ' ').trim()
  const meaning = named[status] ?? (status >= 500 ? 'fails' : 'refuses')
  return `${meaning} (${status})${words ? `: ${words.slice(0, 200)}` : ''}`
}

async function beginningOf(stream: IncomingMessage): Promise<string> {
  const { stop } = watch(2000, undefined, error => stream.destroy(error))
  try {
    for await (const part of stream as AsyncIterable<Buffer>) return part.toString()
    return ''
  } catch {
    return ''
  } finally {
    stop()
  }
}

/** Some errors say nothing; their codes or causes do. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause instanceof Error ? error.cause : error
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message
}
