import { ServerError } from './errors.ts'
import type { AddressPolicy } from './policy.ts'

export interface RequestOptions {
  fetch: typeof fetch
  policy: AddressPolicy
  /** A server that moves nothing for this long is given up. */
  stallMs: number
}

export interface Outgoing {
  method?: 'GET' | 'HEAD' | 'PUT' | 'DELETE'
  headers?: Record<string, string>
  body?: Uint8Array
  signal?: AbortSignal | undefined
}

/** Slower than this on the whole counts as stalled too: a server must not hold a job by a byte a minute. */
const bytesPerMs = 16
const maxRedirects = 3

/** HTTP as Blossom needs it: addresses checked at every hop, nothing waited for longer than it may stall. */
export function createRequests({ fetch, policy, stallMs }: RequestOptions) {
  const patience = (size: number) => stallMs + size / bytesPerMs

  /** @throws ServerError when there is no answer */
  async function request(server: string, path: string, outgoing: Outgoing): Promise<Response> {
    let url = new URL(path, server)
    for (let hop = 0; ; hop++) {
      const objection = await policy(url)
      if (objection) throw new ServerError(`${url.origin} ${objection}`)
      const response = await send(url, outgoing, url.origin === new URL(server).origin)
      const location = response.headers.get('location')
      if (response.status < 300 || response.status > 399 || location === null) return response
      await response.body?.cancel()
      if (outgoing.method === 'PUT' || outgoing.method === 'DELETE' || hop === maxRedirects)
        throw new ServerError('redirects elsewhere', { status: response.status })
      if (!URL.canParse(location, url.href))
        throw new ServerError('redirects to no address', { status: response.status })
      url = new URL(location, url)
    }
  }

  async function send(url: URL, outgoing: Outgoing, home: boolean): Promise<Response> {
    const { method = 'GET', headers = {}, body, signal } = outgoing
    // A token is for the server it was made for, not for where that server redirects to.
    const { authorization, ...open } = headers
    const init = {
      method,
      headers: {
        'accept-encoding': 'identity',
        ...open,
        ...(home && authorization ? { authorization } : {}),
      },
      redirect: 'manual' as const,
      // `fetch` wants a buffer of its own kind; a Buffer's is one, though its type also allows a shared one.
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
    }
    const watch = watched(patience(body?.length ?? 0), signal)
    try {
      return await fetch(url.href, { ...init, signal: watch.signal })
    } catch (error) {
      signal?.throwIfAborted()
      if (watch.signal.aborted) throw new ServerError('does not answer (stalled)')
      throw new ServerError(`does not answer (${causeOf(error)})`, { broken: true })
    } finally {
      watch.done()
    }
  }

  /**
   * Reads a body, at most `limit` bytes of it.
   * @throws ServerError when it stalls, is longer, or is not `exactly` that long
   */
  async function body(
    response: Response,
    want: { limit: number; exactly?: number; signal?: AbortSignal | undefined },
  ): Promise<Buffer> {
    const reader = response.body?.getReader()
    const parts: Uint8Array[] = []
    let size = 0
    const end = performance.now() + patience(want.limit)
    try {
      const claimed = Number(response.headers.get('content-length') ?? want.exactly ?? 0)
      if (want.exactly !== undefined && claimed !== want.exactly)
        throw new ServerError(`says it has ${claimed} bytes instead of ${want.exactly}`)
      while (reader) {
        const watch = watched(Math.min(stallMs, Math.max(0, end - performance.now())), want.signal)
        const part = await Promise.race([reader.read(), watch.aborted]).finally(watch.done)
        if (part.done) break
        size += part.value.length
        if (size > want.limit) throw new ServerError(`sends more than ${want.limit} bytes`)
        parts.push(part.value)
      }
    } catch (error) {
      want.signal?.throwIfAborted()
      throw error instanceof ServerError
        ? error
        : new ServerError(`breaks off (${causeOf(error)})`, { broken: true })
    } finally {
      // Also ends a transfer that was given up.
      await reader?.cancel().catch(() => {})
    }
    if (want.exactly !== undefined && size !== want.exactly)
      throw new ServerError(`gave ${size} bytes instead of ${want.exactly}`)
    return parts.length === 1 && parts[0]
      ? Buffer.from(parts[0].buffer, parts[0].byteOffset, size)
      : Buffer.concat(parts)
  }

  return { request, body }
}

/** Aborts when the time is over or the caller's signal says so (AbortSignal.any is missing in Electron 25). */
function watched(ms: number, outer?: AbortSignal) {
  const controller = new AbortController()
  const stop = () => controller.abort(outer?.reason)
  const timer = setTimeout(() => controller.abort(new ServerError('stalls')), ms)
  if (outer?.aborted) stop()
  outer?.addEventListener('abort', stop)
  const aborted = new Promise<never>((_, reject) =>
    controller.signal.addEventListener('abort', () => reject(controller.signal.reason)),
  )
  // Most watches end without anyone asking.
  aborted.catch(() => {})
  const done = () => {
    clearTimeout(timer)
    outer?.removeEventListener('abort', stop)
  }
  return { signal: controller.signal, aborted, done }
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

export async function refusalOf(response: Response): Promise<ServerError> {
  return new ServerError(await reasonOf(response), { status: response.status })
}

/** The server's own words, from `X-Reason` or the body's beginning, after what its status means. */
export async function reasonOf(response: Response): Promise<string> {
  const header = response.headers.get('x-reason')
  const text = header ?? (await beginningOf(response))
  if (header !== null) await response.body?.cancel().catch(() => {})
  const words = text.replace(/[^\x20-\x7e]+/g, ' ').trim()
  const meaning = named[response.status] ?? (response.status >= 500 ? 'fails' : 'refuses')
  return `${meaning} (${response.status})${words ? `: ${words.slice(0, 200)}` : ''}`
}

async function beginningOf(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const watch = watched(2000)
  try {
    const part = await (reader && Promise.race([reader.read(), watch.aborted]))
    return part?.value ? Buffer.from(part.value).toString() : ''
  } catch {
    return ''
  } finally {
    watch.done()
    await reader?.cancel().catch(() => {})
  }
}

/** `fetch failed` says nothing; its cause does. */
function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const cause = error.cause
  if (!(cause instanceof Error)) return error.message
  return 'code' in cause && typeof cause.code === 'string' ? cause.code : cause.message
}
