import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the proxy does with one request instead of passing it on faithfully. */
export type Fault =
  | { kind: 'answer'; status: number; reason?: string; headers?: Record<string, string> }
  /** One bit of the body is another. */
  | { kind: 'corrupt' }
  /** Promises the whole and closes the connection in the middle. */
  | { kind: 'cut' }
  /** Half of the body, and says that this is all. */
  | { kind: 'short' }
  /** Never stops sending. */
  | { kind: 'endless' }
  /** Half of the body, then silence; without a body, silence at once. */
  | { kind: 'stall' }
  /** Reports that it stored another blob. */
  | { kind: 'misreport' }

export interface FaultyProxy {
  url: string
  /** Chosen anew for each request; undefined passes it on. May wait before it decides. */
  fault: (request: IncomingMessage) => Fault | undefined | Promise<Fault | undefined>
  /** `METHOD /path` of every request, in order. */
  readonly seen: string[]
  close(): Promise<void>
}

/** A Blossom server gone wrong: stands before a good one and spoils what the test says. */
export async function startFaultyProxy(upstream: string): Promise<FaultyProxy> {
  const server = createServer((request, response) => {
    proxy.seen.push(`${request.method} ${request.url}`)
    serve(upstream, request, response, proxy).catch(() => response.destroy())
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  // A TCP server's address is always this shape; strings are for pipes.
  const { port } = server.address() as AddressInfo
  const proxy: FaultyProxy = {
    url: `http://127.0.0.1:${port}`,
    fault: () => undefined,
    seen: [],
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
  return proxy
}

async function serve(
  upstream: string,
  request: IncomingMessage,
  response: ServerResponse,
  proxy: FaultyProxy,
) {
  const sent: Buffer[] = []
  for await (const part of request) sent.push(part)
  const fault = await proxy.fault(request)
  if (fault?.kind === 'answer') {
    const reason = fault.reason ? { 'x-reason': fault.reason } : {}
    return void response.writeHead(fault.status, { ...reason, ...fault.headers }).end()
  }
  const { host: _, connection: __, 'transfer-encoding': ___, ...headers } = request.headers
  const answer = await fetch(`${upstream}${request.url}`, {
    method: request.method ?? 'GET',
    // Node gives repeated headers as lists; clients of Blossom send none.
    headers: headers as Record<string, string>,
    ...(sent.length > 0 ? { body: Buffer.concat(sent) } : {}),
  })
  const body = Buffer.from(await answer.arrayBuffer())
  const head = Object.fromEntries(answer.headers)
  if (fault && body.length > 0) return spoil(fault, body, head, response)
  if (fault?.kind === 'stall') return
  response.writeHead(answer.status, head).end(body)
}

function spoil(fault: Fault, body: Buffer, head: Record<string, string>, response: ServerResponse): void {
  const half = body.subarray(0, body.length >> 1)
  switch (fault.kind) {
    case 'corrupt':
      body[body.length >> 1]! ^= 1
      return void response.writeHead(200, head).end(body)
    case 'cut':
      response.writeHead(200, head)
      return void response.write(half, () => response.destroy())
    case 'short':
      return void response.writeHead(200, { ...head, 'content-length': `${half.length}` }).end(half)
    case 'stall':
      return void response.writeHead(200, head).write(half)
    case 'misreport':
      return void response.writeHead(200).end(JSON.stringify({ sha256: 'f'.repeat(64), size: 1 }))
    case 'endless': {
      const pour = () => {
        while (!response.destroyed && response.write(body));
      }
      response.writeHead(200, { 'content-type': 'application/octet-stream' }).on('drain', pour)
      pour()
    }
  }
}
