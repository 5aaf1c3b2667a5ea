import { createReadStream } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import { authorize } from './blossom-auth.ts'
import { BlobFiles, type StoredBlob } from './blossom-files.ts'
import { Refusal } from './blossom-refusal.ts'
import { closeServer, listen } from './listen.ts'

export interface LocalBlossom {
  /** `http://127.0.0.1:PORT` */
  url: string
  close(): Promise<void>
}

export interface BlossomOptions {
  /** Holds the blobs and `blossom.db`; a server started again on it has them all. */
  folder: string
  /** Chosen by the system when left out. */
  port?: number
  /** Largest blob taken. */
  maxBytes?: number
  /** Unix seconds. */
  now?: () => number
}

/** Bytes: a blob in the default pieces of 64 KiB is mostly overhead. */
const readAtOnce = 512 * 1024

interface Exchange {
  request: IncomingMessage
  response: ServerResponse
  url: URL
  files: BlobFiles
  now: number
}

/**
 * The practice Blossom server: BUD-01 (GET, HEAD, ranges), BUD-02 (upload, list, delete), BUD-06 (HEAD /upload) with
 * BUD-11 tokens, on 127.0.0.1 only.
 * @throws UserError `localnet/port-taken`
 */
export async function startBlossom(options: BlossomOptions): Promise<LocalBlossom> {
  const { folder, port = 0, maxBytes = 64 * 1024 * 1024, now = () => Math.floor(Date.now() / 1000) } = options
  await mkdir(folder, { recursive: true })
  const files = await BlobFiles.open(folder, maxBytes)
  const open = new Set<Promise<void>>()
  const server = createServer((request, response) => {
    const work = serve(request, response, files, now()).finally(() => open.delete(work))
    open.add(work)
  })
  const address = await listen(server, port, 'Blossom server').catch(error => {
    files.close()
    throw error
  })
  return {
    url: `http://${address}`,
    async close() {
      await closeServer(server)
      await Promise.all(open)
      files.close()
    },
  }
}

async function serve(
  request: IncomingMessage,
  response: ServerResponse,
  files: BlobFiles,
  now: number,
): Promise<void> {
  response.setHeader('access-control-allow-origin', '*')
  response.setHeader('access-control-expose-headers', '*')
  try {
    const url = new URL(request.url ?? '/', `http://${request.headers.host ?? '127.0.0.1'}`)
    await route({ request, response, url, files, now })
  } catch (error) {
    if (response.headersSent || response.destroyed) return void response.destroy()
    const status = error instanceof Refusal ? error.status : 500
    const reason = error instanceof Error ? error.message : String(error)
    // The rest of a refused body is read and dropped, else the client sees a broken connection and not the reason.
    request.resume()
    response.writeHead(status, { 'x-reason': reason.replace(/[^\x20-\x7e]/g, '?') }).end(`${reason}\n`)
  }
}

async function route(exchange: Exchange): Promise<void> {
  const { request, url } = exchange
  const [, blob] = /^\/([0-9a-f]{64})(?:\.\w+)?$/.exec(url.pathname) ?? []
  const [, lister] = /^\/list\/([0-9a-f]{64})$/.exec(url.pathname) ?? []
  const endpoint = blob ? 'blob' : lister ? 'list' : url.pathname
  switch (`${request.method} ${endpoint}`) {
    case 'GET blob':
    case 'HEAD blob':
      return await send(exchange, blob ?? '')
    case 'DELETE blob':
      return await remove(exchange, blob ?? '')
    case 'PUT /upload':
      return await upload(exchange)
    case 'HEAD /upload':
      return checkUpload(exchange)
    case 'GET list':
      return list(exchange, lister ?? '')
    case 'GET /':
      return void exchange.response.end('Gradstr practice Blossom server.\n')
  }
  if (request.method !== 'OPTIONS') throw new Refusal(404, `nothing at ${request.method} ${url.pathname}`)
  exchange.response
    .writeHead(204, {
      'access-control-allow-methods': 'GET, HEAD, PUT, DELETE',
      'access-control-allow-headers': 'Authorization, *',
      'access-control-max-age': '86400',
    })
    .end()
}

async function send({ request, response, files }: Exchange, sha256: string): Promise<void> {
  const blob = files.get(sha256)
  if (!blob) throw new Refusal(404, 'no such blob')
  const range = rangeOf(request.headers.range, blob.size)
  const { start, end } = range ?? { start: 0, end: blob.size - 1 }
  response.writeHead(range ? 206 : 200, {
    'content-type': blob.type,
    'content-length': end - start + 1,
    'accept-ranges': 'bytes',
    ...(range ? { 'content-range': `bytes ${start}-${end}/${blob.size}` } : {}),
  })
  if (request.method === 'HEAD' || end < start) return void response.end()
  const part = await files.read(sha256, { start, end })
  if (part) {
    if (response.destroyed) return part.takeBack()
    response.once('close', part.takeBack)
    return void response.end(part.content)
  }
  // A client that leaves in mid-download is no error of the server's.
  await pipeline(
    createReadStream(files.path(sha256), { start, end, highWaterMark: readAtOnce }),
    response,
  ).catch(() => response.destroy())
}

/** One range of RFC 9110, as all clients of blobs send it; undefined means the whole. */
function rangeOf(header: string | undefined, size: number): { start: number; end: number } | undefined {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (first === undefined || last === undefined || (first === '' && last === '')) return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (start > end) throw new Refusal(416, `the blob has ${size} bytes`)
  return { start, end }
}

/** BUD-06: whether an upload would be taken, before its body is sent. */
function checkUpload({ request, response, files, now }: Exchange): void {
  const { 'x-sha-256': hash, 'x-content-length': length } = request.headers
  authorize(request, { verb: 'upload', now, hash: hash?.toString() })
  files.checkSize(Number(length ?? 0))
  response.writeHead(200).end()
}

async function upload({ request, response, url, files, now }: Exchange): Promise<void> {
  const token = authorize(request, { verb: 'upload', now, hash: request.headers['x-sha-256']?.toString() })
  const { 'content-length': said } = request.headers
  const length = said === undefined ? {} : { length: Number(said) }
  files.checkSize(length.length ?? 0)
  const type = request.headers['content-type'] ?? 'application/octet-stream'
  const { blob, fresh } = await files.receive(request, { ...token, ...length, type, now })
  json(response, fresh ? 201 : 200, descriptor(blob, url))
}

function list({ response, url, files }: Exchange, pubkey: string): void {
  const bound = (name: string, otherwise: number) => {
    const value = Number(url.searchParams.get(name) ?? otherwise)
    if (!Number.isSafeInteger(value)) throw new Refusal(400, `${name} must be unix seconds`)
    return value
  }
  const found = files.list(pubkey, bound('since', 0), bound('until', Number.MAX_SAFE_INTEGER))
  json(
    response,
    200,
    found.map(blob => descriptor(blob, url)),
  )
}

async function remove({ request, response, files, now }: Exchange, sha256: string): Promise<void> {
  const { pubkey } = authorize(request, { verb: 'delete', now, hash: sha256 })
  await files.remove(sha256, pubkey)
  response.writeHead(204).end()
}

const descriptor = (blob: StoredBlob, { origin }: URL) => ({ url: `${origin}/${blob.sha256}`, ...blob })

function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
