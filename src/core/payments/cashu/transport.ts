import type { IncomingMessage } from 'node:http'
import {
  HttpResponseError,
  isMintOperationError,
  JSONInt,
  MintOperationError,
  NetworkError,
  type RequestFn,
} from '@cashu/cashu-ts'
import type { Connect } from '../../../shared/http.ts'
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
 * cashu-ts's transport: with a time limit that covers the body, a bound on its size, no redirects (a mint's address was
 * chosen by the user), and one more try when a kept connection turns out dead. Every request may be repeated: the mint
 * refuses a second spend, and its first answer is found by NUT-09.
 */
export function requestOver(connect: Connect, timeoutMs: number): RequestFn {
  return async <T>({ endpoint, method = 'GET', requestBody }: Parameters<RequestFn>[0]): Promise<T> => {
    const isMelt = method === 'POST' && endpoint.endsWith('/melt/bolt11')
    const request = {
      url: endpoint,
      method,
      body: requestBody ? (JSONInt.stringify(requestBody) ?? '') : undefined,
      timeoutMs: isMelt ? timeoutMs * MELT_TIMEOUTS : timeoutMs,
    }
    let status: number
    let text: string
    try {
      const answer = await send(connect, request).catch(error => {
        if (error instanceof TooLate) throw error
        return send(connect, request)
      })
      status = answer.statusCode ?? 0
      text = await boundedText(answer)
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

interface Request {
  url: string
  method: string
  /** JSON. */
  body: string | undefined
  timeoutMs: number
}

class TooLate extends Error {}

/** @returns the answer, its body still to come, which breaks off when the time is over */
function send(connect: Connect, { url, method, body, timeoutMs }: Request): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const sent = connect(new URL(url), {
      method,
      headers: {
        accept: 'application/json',
        'accept-encoding': 'identity',
        ...(body === undefined
          ? {}
          : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) }),
      },
    })
    let answer: IncomingMessage | undefined
    const late = () =>
      (answer ?? sent).destroy(new TooLate(`nothing whole came within ${timeoutMs / 1000} s`))
    const timer = setTimeout(late, timeoutMs)
    sent.once('close', () => clearTimeout(timer))
    sent.once('response', response => {
      answer = response
      resolve(response)
    })
    // Also what happens after the answer began; then its reader sees it.
    sent.on('error', reject)
    sent.end(body)
  })
}

async function boundedText(answer: IncomingMessage): Promise<string> {
  const { statusCode = 0 } = answer
  if (statusCode >= 300 && statusCode < 400) {
    answer.destroy()
    throw new Error('it redirects to another address')
  }
  const chunks: Buffer[] = []
  let size = 0
  // Leaving the loop early closes the connection.
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_ANSWER) throw new Error(`its answer is larger than ${MAX_ANSWER} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // Of a name with several addresses, each with an error of its own.
  const first = error instanceof AggregateError ? error.errors[0] : error
  return first instanceof Error ? first.message : error.message
}
