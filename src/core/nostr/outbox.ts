import type { Seconds } from '../../shared/units.ts'
import type { Database } from '../store/index.ts'
import { DELETION } from './deletion.ts'
import { expirationOf, isEphemeral, type NostrEvent } from './event.ts'
import { GIFT_WRAP } from './gift-wrap.ts'

/** Relays keep no ephemeral event: a minute late, nobody needs it. */
const EPHEMERAL_LIFE = 60
/** Once one relay has an event, the others are still tried for this long, so that one relay's end loses nothing. */
const SPREAD = 24 * 3600
/** How long it is remembered that an event was delivered. */
const MEMORY = 30 * 24 * 3600

// Worth trying: not settled there, not expired, and not long delivered elsewhere. Takes the time, twice; better-sqlite3
// has no numbered parameters.
const OPEN = `t.settled is null and (o.expires_at is null or o.expires_at > ?)
  and (o.delivered_at is null or o.delivered_at > ? - ${SPREAD})`

/** The tables `outbox` and `outbox_target`. */
export function openOutbox(db: Database, now: () => Seconds) {
  return {
    /** Joins the caller's transaction. @param via  the key whose connection it takes; empty for the identity's */
    add(event: NostrEvent, urls: string[], via: string): void {
      const at = now()
      const expires = expirationOf(event) ?? (isEphemeral(event.kind) ? at + EPHEMERAL_LIFE : null)
      const store = () => {
        const author = isDeletable(event) ? event.pubkey : null
        db.prepare(
          `insert or ignore into outbox (id, event, created_at, expires_at, author, kind, via)
           values (?, ?, ?, ?, ?, ?, ?)`,
        ).run(event.id, JSON.stringify(event), at, expires, author, event.kind, via)
        for (const url of urls)
          db.prepare('insert or ignore into outbox_target (id, url) values (?, ?)').run(event.id, url)
      }
      // `persisted` before it leaves.
      db.transaction(store, { durable: false })
    },
    /** Before an event leaves: after a power cut nobody must be told the same thing twice in different words. */
    persisted: (event: NostrEvent): Promise<void> =>
      isEphemeral(event.kind) ? Promise.resolve() : db.persisted(),

    /** Ids still to be sent to this relay over this key's connection, oldest first. */
    open(url: string, via: string): string[] {
      return db
        .prepare<{ id: string }>(
          `select o.id from outbox o join outbox_target t on t.id = o.id
           where t.url = ? and o.via = ? and ${OPEN} order by o.rowid`,
        )
        .all(url, via, now(), now())
        .map(row => row.id)
    },
    openLinks(): { url: string; via: string }[] {
      return db
        .prepare<{ url: string; via: string }>(
          `select distinct t.url, o.via from outbox o join outbox_target t on t.id = o.id where ${OPEN}`,
        )
        .all(now(), now())
    },
    event(id: string): NostrEvent | undefined {
      const row = db.prepare<{ event: string }>('select event from outbox where id = ?').get(id)
      return row?.event ? (JSON.parse(row.event) as NostrEvent) : undefined // written by `add`
    },

    /** @returns whether this was the first OK */
    accept(id: string, url: string): boolean {
      return db.transaction(
        () => {
          settle(id, url, 'accepted', '')
          const first = db
            .prepare('update outbox set delivered_at = ? where id = ? and delivered_at is null')
            .run(now(), id)
          forgetBody(id)
          return first.changes === 1
        },
        // Forgotten, it is offered again, and the relay knows it.
        { durable: false },
      )
    },
    /** @returns whether that is final, which it is only when another relay has the event */
    refuse(id: string, url: string, reason: string): boolean {
      return db.transaction(() => {
        const final = this.state(id) === 'delivered'
        settle(id, url, final ? 'refused' : null, reason)
        forgetBody(id)
        return final
      })
    },

    state(id: string): 'delivered' | 'open' | 'unknown' {
      const row = db
        .prepare<{ delivered: number }>(
          'select delivered_at is not null as delivered from outbox where id = ?',
        )
        .get(id)
      return row ? (row.delivered ? 'delivered' : 'open') : 'unknown'
    },
    /** How many no relay has taken yet. */
    undelivered(): number {
      const row = db
        .prepare<{ n: number }>(
          'select count(*) n from outbox where delivered_at is null and (expires_at is null or expires_at > ?)',
        )
        .get(now())
      return row?.n ?? 0
    },
    /** What was sent under this key and can still be asked back, and where. */
    by(author: string): { events: { id: string; kind: number }[]; urls: string[] } {
      const events = db
        .prepare<{ id: string; kind: number }>('select id, kind from outbox where author = ? order by rowid')
        .all(author)
      const urls = db
        .prepare<{ url: string }>(
          'select distinct t.url from outbox o join outbox_target t on t.id = o.id where author = ?',
        )
        .all(author)
      return { events, urls: urls.map(({ url }) => url) }
    },
    /** Sends none of it any more, and forgets that it was sent. */
    drop(author: string): void {
      db.prepare('delete from outbox where author = ?').run(author)
    },
    /** Drops what expired, and what was delivered long ago. */
    sweep(): void {
      db.prepare('delete from outbox where expires_at <= ? or delivered_at <= ?').run(now(), now() - MEMORY)
    },
  }

  function settle(id: string, url: string, settled: 'accepted' | 'refused' | null, reason: string): void {
    db.prepare('update outbox_target set settled = ?, reason = ? where id = ? and url = ?').run(
      settled,
      reason,
      id,
      url,
    )
  }
  function forgetBody(id: string): void {
    db.prepare(
      `update outbox set event = '' where id = ? and delivered_at is not null
       and not exists (select 1 from outbox_target where id = ? and settled is null)`,
    ).run(id, id)
  }
}
/** Relays delete for the author alone (NIP-09), and nobody has a gift wrap's key. */
const isDeletable = ({ kind }: NostrEvent): boolean =>
  !isEphemeral(kind) && kind !== GIFT_WRAP && kind !== DELETION

export type Outbox = ReturnType<typeof openOutbox>
