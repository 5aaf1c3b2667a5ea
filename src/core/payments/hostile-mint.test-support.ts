import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

type Answer = { status: number; body: Record<string, unknown> }
/**
 * What the proxy does with requests to `path`: passes them on and then loses or changes the answer; or never passes them
 * on, and gives an answer of its own or none. Undefined: an honest mint.
 */
export type Mischief = {
  path: string
  do: 'lose-answer' | 'refuse-connection' | 'stall' | Answer | ((answer: Answer) => Answer | string)
}

/** A proxy before an honest mint, for tests of what a wallet does with one that is not. */
export async function startHostileMint(honest: string) {
  let mischief: Mischief | undefined
  const seen: string[] = []

  async function pass(request: IncomingMessage, body: Buffer): Promise<Answer> {
    const response = await fetch(honest + (request.url ?? ''), {
      method: request.method ?? 'GET',
      ...(body.length > 0 ? { body: new Uint8Array(body) } : {}),
    })
    return { status: response.status, body: (await response.json()) as Record<string, unknown> }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
    const active = mischief && request.url?.startsWith(mischief.path) ? mischief.do : undefined
    seen.push(request.url ?? '')
    if (active === 'stall') return
    if (active === 'refuse-connection') return void request.socket.destroy()
    if (typeof active === 'object')
      return void response.writeHead(active.status).end(JSON.stringify(active.body))
    const honestAnswer = await pass(request, Buffer.concat(chunks))
    if (active === 'lose-answer') return void request.socket.destroy()
    const answer = typeof active === 'function' ? active(honestAnswer) : honestAnswer
    if (typeof answer === 'string') return void response.writeHead(200).end(answer)
    response.writeHead(answer.status).end(JSON.stringify(answer.body))
  }

  const server = createServer(
    (request, response) => void handle(request, response).catch(() => response.destroy()),
  )
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // it listens on TCP
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    be(next: Mischief | undefined): void {
      mischief = next
    },
    close: async () => {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}
