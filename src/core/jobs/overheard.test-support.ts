import type { AddressInfo } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { GIFT_WRAP, type NostrEvent } from '../nostr/index.ts'

/** A relay's own look at its connections: in front of a real one, it notes whose keys each of them names as its own. */
export async function overhear(relay: string) {
  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  await new Promise(resolve => server.once('listening', resolve))
  const connections: Set<string>[] = []
  server.on('connection', client => {
    const keys = new Set<string>()
    connections.push(keys)
    const upstream = new WebSocket(relay)
    const waiting: string[] = []
    const pass = (text: string): void => {
      if (upstream.readyState === WebSocket.OPEN) upstream.send(text)
      else waiting.push(text)
    }
    upstream.on('open', () => {
      for (const text of waiting.splice(0)) upstream.send(text)
    })
    upstream.on('message', data => client.send(data.toString()))
    upstream.on('close', () => client.close()).on('error', () => client.terminate())
    client.on('close', () => upstream.close())
    client.on('message', data => {
      for (const key of namedIn(JSON.parse(data.toString()))) keys.add(key)
      pass(data.toString())
    })
  })
  // a TCP server's address has a port
  const { port } = server.address() as AddressInfo
  return {
    url: `ws://127.0.0.1:${port}`,
    connections: (): string[][] => connections.map(keys => [...keys]),
    close(): Promise<void> {
      for (const client of server.clients) client.terminate()
      return new Promise(resolve => server.close(() => resolve()))
    },
  }
}

/** Who signs, and for whom something is asked. A gift wrap's key is thrown away and tells nothing. */
function namedIn([type, second, filter]: unknown[]): string[] {
  if (type === 'EVENT') {
    const { kind, pubkey } = second as NostrEvent
    return kind === GIFT_WRAP ? [] : [pubkey]
  }
  if (type !== 'REQ') return []
  const { authors = [], '#p': to = [] } = filter as { authors?: string[]; '#p'?: string[] }
  return [...authors, ...to]
}
