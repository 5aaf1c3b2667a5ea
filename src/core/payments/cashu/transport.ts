import {
  HttpResponseError,
  isMintOperationError,
  JSONInt,
  MintOperationError,
  NetworkError,
  type RequestFn,
} from '@cashu/cashu-ts'
import { MintDishonest, MintRefusal, MintSilent } from '../mint-errors.ts'

/** A payment over Lightning may take more than a minute. */
const MELT_TIMEOUTS = 4.5
const MAX_ANSWER = 8 * 1024 * 1024

/** Every failure as one of the three that the wallet tells apart. */
export async function guarded<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof MintDishonest) throw error
    if (isMintOperationError(error)) throw new MintRefusal(error.code, error.message)
    if (error instanceof NetworkError) throw new MintSilent(error.message, error)
    if (error instanceof HttpResponseError) {
      const { status } = error
      const refused = status >= 400 && status < 500 && status !== 408 && status !== 429
      throw refused
        ? new MintRefusal(0, `HTTP ${status}: ${error.message}`)
        : new MintSilent(`HTTP ${status}`, error)
    }
    throw new MintDishonest('its answer is not understood', error)
  }
}

/**
 * cashu-ts's transport, over the fetch that was passed in: with a time limit that covers the body, a bound on its size,
 * no redirects (a mint's address was chosen by the user), and one more try when a kept connection turns out dead. Every
 * request may be repeated: the mint refuses a second spend, and its first answer is found by NUT-09.
 */
export function requestOver(fetch: typeof globalThis.fetch, timeoutMs: number): RequestFn {
  return async <T>({ endpoint, method, requestBody }: Parameters<RequestFn>[0]): Promise<T> => {
    const isMelt = method === 'POST' && endpoint.endsWith('/melt/bolt11')
    const send = () =>
      fetch(endpoint, {
        method: method ?? 'GET',
        redirect: 'error',
        headers: {
          accept: 'application/json',
          ...(requestBody ? { 'content-type': 'application/json' } : {}),
        },
        ...(requestBody ? { body: JSONInt.stringify(requestBody) ?? '' } : {}),
        signal: AbortSignal.timeout(isMelt ? timeoutMs * MELT_TIMEOUTS : timeoutMs),
      })
    let status: number
    let text: string
    try {
      const response = await send().catch(error => {
        if (error instanceof Error && error.name === 'TimeoutError') throw error
        return send()
      })
      status = response.status
      text = await boundedText(response)
    } catch (error) {
      throw new NetworkError(reasonOf(error), { cause: error })
    }
    let body: unknown
    try {
      body = JSON.parse(text)
    } catch {
      throw new HttpResponseError('not JSON', status === 200 ? 502 : status)
    }
    if (status >= 200 && status < 300) return body as T // each caller checks the shape it asked for
    const { code, detail } = (typeof body === 'object' && body !== null ? body : {}) as {
      code?: unknown
      detail?: unknown
    } // checked next
    if (status === 400 && typeof code === 'number') throw new MintOperationError(code, String(detail ?? ''))
    throw new HttpResponseError(typeof detail === 'string' ? detail : 'no detail', status)
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_ANSWER) throw new Error(`its answer is larger than ${MAX_ANSWER} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  return cause instanceof Error && cause.message ? `${error.message} (${cause.message})` : error.message
}
