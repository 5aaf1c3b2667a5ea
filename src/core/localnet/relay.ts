import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { join } from 'node:path'
import { LogLevel } from '@nostr-relay/common'
import { NostrRelay } from '@nostr-relay/core'
import { Validator } from '@nostr-relay/validator'
import { type RawData, type WebSocket, WebSocketServer } from 'ws'
import { openDatabase } from '../store/index.ts'
import { closeServer, listen } from './listen.ts'
import { RelayAccess } from './relay-access.ts'
import { maxLimit, RelayEvents } from './relay-events.ts'

const GIFT_WRAP = 1059
const maxMessageBytes = 256 * 1024
const maxSubscriptions = 200

export interface LocalRelay {
  /** `ws://127.0.0.1:PORT` */
  url: string
  close(): Promise<void>
}

export interface RelayOptions {
  /** Holds `relay.db`; a relay started again on it has all its events. */
  folder: string
  /** Chosen by the system when left out; give the old one to come back at the same address. */
  port?: number
  /** NIP-42: a challenge on connection, and gift wraps only for authenticated recipients. Off by default. */
  auth?: boolean
  /** Unix seconds. */
  now?: () => number
}

/**
 * The practice relay: NIP-01, NIP-09, NIP-11, NIP-40 and, when asked, NIP-42, on 127.0.0.1 only.
 * @throws UserError `localnet/port-taken`
 */
export async function startRelay(options: RelayOptions): Promise<LocalRelay> {
  const { folder, port = 0, auth = false, now = () => Math.floor(Date.now() / 1000) } = options
  mkdirSync(folder, { recursive: true })
  // A killed process loses nothing this way; only a power cut could, and these are practice events.
  const db = openDatabase(join(folder, 'relay.db'), { sync: () => {} })
  const guarded = auth ? [GIFT_WRAP] : []
  const events = new RelayEvents(db, { now, guarded })
  const access = new RelayAccess(events, { now, guarded })
  const relay = new NostrRelay(events, {
    ...(auth ? { hostname: '127.0.0.1' } : {}),
    logLevel: LogLevel.ERROR,
    maxSubscriptionsPerClient: maxSubscriptions,
    // Both caches lie: one hides events that came within the last second, the other remembers by id alone the
    // refusal of a forgery, and refuses the real event with it.
    filterResultCacheTtl: 0,
    eventHandlingResultCacheTtl: 0,
  }).register(access)

  const server = createServer((request, response) => describeRelay(auth, request, response))
  const sockets = serveSockets(server, relay, access)
  const address = await listen(server, port, 'relay').catch(error => {
    db.close()
    throw error
  })
  return {
    url: `ws://${address}`,
    async close() {
      await sockets.close()
      await closeServer(server)
      await relay.destroy()
      await events.destroy()
    },
  }
}

/** Speaks Nostr to every client of the server; `close` drops them and waits for what is being answered. */
function serveSockets(server: Server, relay: NostrRelay, access: RelayAccess): { close(): Promise<unknown> } {
  // Not given the server: it would throw the server's own errors (a taken port) a second time, as its own.
  const sockets = new WebSocketServer({ noServer: true, maxPayload: maxMessageBytes })
  server.on('upgrade', (request, socket, head) =>
    sockets.handleUpgrade(request, socket, head, client => sockets.emit('connection', client)),
  )
  // One message at a time: an event that comes between a REQ's search and its subscription would be lost.
  let work: Promise<unknown> = Promise.resolve()
  sockets.on('connection', client => {
    relay.handleConnection(client)
    client.on('message', data => {
      work = work.then(() => answer(relay, client, data))
    })
    // A broken frame or a message over the limit: `ws` closes the connection by itself.
    client.on('error', () => {})
    client.on('close', () => {
      access.leave(client)
      relay.handleDisconnect(client)
    })
  })
  return {
    close() {
      for (const client of sockets.clients) client.terminate()
      sockets.close()
      return work
    },
  }
}

const validator = new Validator({ maxNumberOfTags: 2000, maxContentLength: 64 * 1024 })

async function answer(relay: NostrRelay, client: WebSocket, data: RawData): Promise<void> {
  let raw: unknown
  try {
    raw = JSON.parse(data.toString())
    await relay.handleMessage(client, await validator.validateIncomingMessage(raw as object))
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    refuse(client, raw, reason.startsWith('invalid: ') ? reason : `invalid: ${reason}`)
  }
}

/** Says what it is about where the message allows: an `OK` to an event, `CLOSED` to a subscription, else a notice. */
function refuse(client: WebSocket, raw: unknown, reason: string): void {
  const [verb, subject] = Array.isArray(raw) ? raw : []
  const reply =
    verb === 'EVENT' && typeof subject?.id === 'string'
      ? ['OK', subject.id, false, reason]
      : verb === 'REQ' && typeof subject === 'string'
        ? ['CLOSED', subject, reason]
        : ['NOTICE', reason]
  if (client.readyState === client.OPEN) client.send(JSON.stringify(reply))
}

/** NIP-11. */
function describeRelay(auth: boolean, request: IncomingMessage, response: ServerResponse): void {
  if (!request.headers.accept?.includes('application/nostr+json')) {
    response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' })
    response.end('Gradstr practice relay. Connect with a Nostr client.\n')
    return
  }
  response.writeHead(200, { 'content-type': 'application/nostr+json', 'access-control-allow-origin': '*' })
  response.end(
    JSON.stringify({
      name: 'Gradstr practice relay',
      description: 'Runs on this machine only.',
      software: 'gradstr',
      supported_nips: auth ? [1, 9, 11, 40, 42] : [1, 9, 11, 40],
      limitation: {
        max_message_length: maxMessageBytes,
        max_subscriptions: maxSubscriptions,
        max_limit: maxLimit,
        max_content_length: 64 * 1024,
        // Only reading gift wraps needs it, not the connection as such.
        auth_required: false,
        payment_required: false,
      },
    }),
  )
}
