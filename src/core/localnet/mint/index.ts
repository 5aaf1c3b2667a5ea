import { mkdirSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { openDatabase } from '../../store/index.ts'
import { MintError } from './errors.ts'
import { openKeysets } from './keysets.ts'
import { createQuotes } from './quotes.ts'
import { answer, type Mint, NotFound, readBody } from './routes.ts'
import { createSchema } from './schema.ts'
import { createTransactions } from './transactions.ts'

export type MintOptions = {
  /** Keys and state live here; the same folder after a restart is the same mint. */
  folder: string
  /** On 127.0.0.1; chosen by the system when not given. */
  port?: number
  /** Input fee in thousandths of a sat per proof (NUT-02). */
  feePpk?: number
  /** When an invoice pays itself after it was made; null: only when a melt pays it. */
  payAfterMs?: number | null
  /** Milliseconds, as Date.now gives them. */
  now?: () => number
}

export type MintServer = { url: string; databasePath: string; close(): Promise<void> }

/** A Cashu mint for practice: NUT-00 to 09, 11 and 12 with invoices that pay themselves. */
export async function startMint(options: MintOptions): Promise<MintServer> {
  mkdirSync(options.folder, { recursive: true })
  const databasePath = join(options.folder, 'mint.sqlite')
  const db = openDatabase(databasePath, { sync: () => {} })
  createSchema(db)
  const keysets = openKeysets(db, options.feePpk ?? 100)
  const transactions = createTransactions(db, keysets)
  const quotes = createQuotes({
    db,
    keysets,
    transactions,
    payAfterMs: options.payAfterMs === undefined ? 0 : options.payAfterMs,
    now: options.now ?? Date.now,
  })
  const pubkey = keysets.list()[0]?.publicKeys['1'] ?? ''
  const mint: Mint = { keysets, transactions, quotes, pubkey }

  const server = createServer((request, response) => void respond(mint, request, response))
  server.requestTimeout = 30_000
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, '127.0.0.1', resolve)
  })
  // A server that listens on TCP has an address with a port.
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    databasePath,
    close: async () => {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
      db.close()
    },
  }
}

async function respond(mint: Mint, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const send = (status: number, body: unknown) => {
    response.writeHead(status, { 'content-type': 'application/json' })
    response.end(JSON.stringify(body))
  }
  try {
    const method = request.method ?? 'GET'
    const path = new URL(request.url ?? '/', 'http://mint').pathname
    const body = method === 'POST' ? await readBody(request) : undefined
    send(200, answer(mint, method, path, body))
  } catch (error) {
    if (error instanceof MintError) send(400, { detail: error.message, code: error.code })
    else if (error instanceof NotFound) send(404, { detail: 'Not found' })
    else send(500, { detail: error instanceof Error ? error.message : 'unexpected' })
  }
}
