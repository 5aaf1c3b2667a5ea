import type { Database } from '../store/index.ts'

export type Quote = {
  mint: string
  id: string
  direction: 'in' | 'out'
  amount: number
  /** Most that Lightning may cost. */
  reserve: number
  /** BOLT-11. */
  request: string
  state: 'unpaid' | 'paid' | 'done' | 'failed'
  /** Unix seconds. */
  expiry: number
}

export type Quotes = ReturnType<typeof createQuotes>

/** Quotes of NUT-04 (in) and NUT-05 (out) that this wallet asked for. */
export function createQuotes(db: Database, now: () => number) {
  const columns = 'mint, id, direction, amount, reserve, request, state, expiry'
  return {
    add(quote: Quote): void {
      db.prepare(
        `insert or ignore into wallet_quote (${columns}, created) values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      ).run(
        quote.mint,
        quote.id,
        quote.direction,
        quote.amount,
        quote.reserve,
        quote.request,
        quote.state,
        quote.expiry,
        now(),
      )
    },
    get: (mint: string, id: string): Quote | undefined =>
      db.prepare<Quote>(`select ${columns} from wallet_quote where mint = ? and id = ?`).get(mint, id),
    /** A payment of this invoice that was begun and has not failed. */
    paying: (mint: string, request: string): Quote | undefined =>
      db
        .prepare<Quote>(
          `select ${columns} from wallet_quote
           where mint = ? and request = ? and direction = 'out' and state in ('paid', 'done')`,
        )
        .get(mint, request),
    incoming: (): Quote[] =>
      db
        .prepare<Quote>(
          `select ${columns} from wallet_quote where direction = 'in' and state in ('unpaid', 'paid')`,
        )
        .all(),
    set(mint: string, id: string, state: Quote['state']): void {
      db.prepare('update wallet_quote set state = ? where mint = ? and id = ?').run(state, mint, id)
    },
  }
}
