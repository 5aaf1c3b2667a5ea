import type { AddressInfo } from 'node:net'
import { type ServerOptions, type WebSocket, WebSocketServer } from 'ws'
import type { NostrEvent } from './event.ts'

export interface ScriptedRelay {
  url: string
  /** Everything clients ever said, parsed. */
  heard: unknown[][]
  connections: () => number
  say: (message: unknown) => void
  close(): Promise<void>
}

/** A relay that does what a test says, however wrong. `answer` gets each message and the socket it came from. */
export async function startScripted(
  answer: (message: unknown[], say: (message: unknown) => void, socket: WebSocket) => void,
  onConnection: (say: (message: unknown) => void, socket: WebSocket) => void = () => {},
  options: ServerOptions = {},
): Promise<ScriptedRelay> {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0, ...options })
  await new Promise(resolve => server.once('listening', resolve))
  const heard: unknown[][] = []
  let connections = 0
  server.on('connection', socket => {
    connections++
    const say = (message: unknown) =>
      socket.send(typeof message === 'string' ? message : JSON.stringify(message))
    socket.on('error', () => {})
    socket.on('message', data => {
      const message: unknown[] = JSON.parse(data.toString())
      heard.push(message)
      answer(message, say, socket)
    })
    onConnection(say, socket)
  })
  // a TCP server's address has a port
  const { port } = server.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${port}`,
    heard,
    connections: () => connections,
    say: message => {
      for (const client of server.clients) client.send(JSON.stringify(message))
    },
    close: () =>
      new Promise(resolve => {
        for (const client of server.clients) client.terminate()
        server.close(() => resolve())
      }),
  }
}

/** Takes everything, and gives `stored` to whoever asks, whatever the filter. */
export function kindly(stored: NostrEvent[] = []) {
  return ([type, id]: unknown[], say: (message: unknown) => void) => {
    if (type === 'EVENT') say(['OK', (id as NostrEvent).id, true, ''])
    if (type !== 'REQ') return
    for (const event of stored) say(['EVENT', id, event])
    say(['EOSE', id])
  }
}
