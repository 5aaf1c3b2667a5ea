import { UserError } from '../../shared/errors.ts'
import { keptConnections } from '../../shared/http.ts'
import type { Database } from '../store/index.ts'
import { type KeysetInfo, type MintClient, mintClient, mintUrl } from './cashu.ts'
import { forPeople, MintDishonest } from './mint-errors.ts'

/** NUT-07 states, 09 restore, 11 locks, 12 DLEQ: without them an escrow cannot be checked or recovered. */
const NEEDED = [7, 9, 11, 12]

export type Mint = {
  url: string
  client: MintClient
  nuts: number[]
  keysets: Map<string, KeysetInfo>
  /** The active keyset with the lowest fee. */
  active(): KeysetInfo
  /** @throws MintDishonest when the mint never listed it */
  keyset(id: string): KeysetInfo
}

export type Mints = ReturnType<typeof createMints>

/** Mints as they were last seen, kept in the database, so that a wallet opens without the network. */
export function createMints({ db, timeoutMs }: { db: Database; timeoutMs: number }) {
  const connect = keptConnections()
  const open = new Map<string, Mint>()

  function build(url: string, nuts: number[], keysets: KeysetInfo[]): Mint {
    const byId = new Map(keysets.map(keyset => [keyset.id, keyset]))
    const mint: Mint = {
      url,
      client: open.get(url)?.client ?? mintClient(url, connect, timeoutMs),
      nuts,
      keysets: byId,
      active() {
        const [cheapest] = keysets.filter(k => k.active).sort((a, b) => a.feePpk - b.feePpk)
        if (!cheapest) throw new MintDishonest('it has no active keyset in sat')
        return cheapest
      },
      keyset(id) {
        const keyset = byId.get(id)
        if (!keyset) throw new MintDishonest(`it does not list keyset ${id}`)
        return keyset
      },
    }
    open.set(url, mint)
    return mint
  }

  function stored(url: string): Mint | undefined {
    const known = open.get(url)
    if (known) return known
    const row = db.prepare<{ info: string }>('select info from wallet_mint where url = ?').get(url)
    if (!row) return undefined
    const keysets = db
      .prepare<{ id: string; fee_ppk: number; active: number; expiry: number | null; keys: string }>(
        'select id, fee_ppk, active, expiry, keys from wallet_keyset where mint = ?',
      )
      .all(url)
      .map(k => ({
        id: k.id,
        feePpk: k.fee_ppk,
        active: k.active === 1,
        expiry: k.expiry ?? undefined,
        keys: JSON.parse(k.keys) as Record<string, string>, // written below
      }))
    return build(url, JSON.parse(row.info) as number[], keysets) // written below
  }

  async function refresh(url: string, all: boolean): Promise<Mint> {
    const before = stored(url)
    const client = before?.client ?? mintClient(url, connect, timeoutMs)
    const nuts = await client.nuts()
    const missing = NEEDED.filter(nut => !nuts.includes(nut))
    if (missing.length > 0)
      throw new UserError('payments/mint-unsuitable', {
        message: `The mint does not support NUT ${missing.join(', ')}, which safe payments need.`,
        fix: 'Use another mint.',
        where: url,
      })
    const keysets = await client.keysets(before?.keysets ?? new Map(), all)
    db.transaction(() => {
      db.prepare(
        'insert into wallet_mint values (?, ?) on conflict (url) do update set info = excluded.info',
      ).run(url, JSON.stringify(nuts))
      // A keyset that is no longer listed is kept: proofs of it may still be here.
      db.prepare('update wallet_keyset set active = 0 where mint = ?').run(url)
      for (const k of keysets)
        db.prepare(
          `insert into wallet_keyset (mint, id, fee_ppk, active, expiry, keys) values (?, ?, ?, ?, ?, ?)
           on conflict (mint, id) do update set fee_ppk = excluded.fee_ppk, active = excluded.active, expiry = excluded.expiry`,
        ).run(url, k.id, k.feePpk, k.active ? 1 : 0, k.expiry ?? null, JSON.stringify(k.keys))
    })
    open.delete(url)
    const mint = stored(url)
    if (!mint) throw new Error('a mint just stored is gone')
    return mint
  }

  return {
    stored,
    /** The mint as stored, or fetched now (`fresh`), also with its retired keysets (`all`). @throws UserError `payments/mint-…` */
    async load(address: string, options: { fresh?: boolean; all?: boolean } = {}): Promise<Mint> {
      const url = readUrl(address)
      const known = options.fresh || options.all ? undefined : stored(url)
      if (known) return known
      try {
        return await refresh(url, options.all ?? false)
      } catch (error) {
        throw forPeople(error, url)
      }
    },
    known: () =>
      db
        .prepare<{ url: string }>('select url from wallet_mint')
        .all()
        .map(row => row.url),
  }
}

/** @throws UserError `payments/mint-url` */
export function readUrl(address: string): string {
  try {
    return mintUrl(address)
  } catch (cause) {
    throw new UserError('payments/mint-url', {
      message: `"${address.slice(0, 200)}" is not a mint's address.`,
      fix: 'Give an address such as https://mint.example.com.',
      cause,
    })
  }
}
