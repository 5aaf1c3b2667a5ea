import { type Event, EventRepository, type Filter } from '@nostr-relay/common'
import type { Database, SqlValue } from '../store/index.ts'

export const DELETION = 5
/** Most events one filter is answered with; named in the NIP-11 document. */
export const maxLimit = 5000

// The practice relay's own file, not a home's store: no migrations, it can be thrown away.
const schema = `
  create table if not exists event (
    id text primary key,
    pubkey text not null,
    kind integer not null,
    created_at integer not null,
    coordinate text unique, -- kind:pubkey:d of what is replaceable or addressable
    expires integer,        -- NIP-40, unix seconds
    body text not null      -- JSON
  ) strict;
  create index if not exists event_kind on event (kind, created_at);
  create index if not exists event_author on event (pubkey, kind, created_at);
  create index if not exists event_expires on event (expires) where expires is not null;
  create table if not exists tag (
    event text not null references event (id) on delete cascade,
    name text not null,
    value text not null
  ) strict;
  create index if not exists tag_value on tag (name, value, event);
  create index if not exists tag_event on tag (event);
`

/** Where a replaceable or addressable event lives (NIP-01); undefined for the others. */
export function coordinateOf(event: Event): string | undefined {
  const { kind, pubkey } = event
  if (kind === 0 || kind === 3 || kind === 41 || (kind >= 10_000 && kind < 20_000))
    return `${kind}:${pubkey}:`
  if (kind < 30_000 || kind >= 40_000) return undefined
  return `${kind}:${pubkey}:${event.tags.find(([name]) => name === 'd')?.[1] ?? ''}`
}

/** NIP-40: when the event ends, in unix seconds. */
export function expirationOf(event: Event): number | undefined {
  const value = Number(event.tags.find(([name]) => name === 'expiration')?.[1] ?? Number.NaN)
  return Number.isSafeInteger(value) ? value : undefined
}

/**
 * The relay's events in SQLite: replaceable and addressable events keep the newest (NIP-01's tie rule: lowest id),
 * deletion requests (NIP-09) are kept and refuse what they deleted, expired events (NIP-40) are never given out.
 */
export class RelayEvents extends EventRepository {
  readonly #db: Database
  readonly #now: () => number
  /** Kinds that are found only by filters that name them: so that access to them can be judged by the filter. */
  readonly #guarded: readonly number[]

  constructor(db: Database, options: { now: () => number; guarded: readonly number[] }) {
    super()
    this.#db = db
    this.#now = options.now
    this.#guarded = options.guarded
    db.exec(schema)
  }

  override isSearchSupported(): boolean {
    return false
  }

  override upsert(event: Event): { isDuplicate: boolean } {
    return { isDuplicate: !this.add(event) }
  }

  has(id: string): boolean {
    return this.#db.prepare('select 1 from event where id = ?').get(id) !== undefined
  }

  /** @returns false when it, or a newer version of it, is here already */
  add(event: Event): boolean {
    return this.#db.transaction(() => {
      this.#db.prepare('delete from event where expires <= ?').run(this.#now())
      const coordinate = coordinateOf(event)
      if (coordinate !== undefined) {
        const newest = this.#db
          .prepare<{ id: string; created_at: number }>(
            'select id, created_at from event where coordinate = ?',
          )
          .get(coordinate)
        if (newest) {
          const newer =
            event.created_at > newest.created_at ||
            (event.created_at === newest.created_at && event.id < newest.id)
          if (!newer) return false
          this.#db.prepare('delete from event where id = ?').run(newest.id)
        }
      }
      return this.#insert(event, coordinate)
    })
  }

  #insert(event: Event, coordinate: string | undefined): boolean {
    const { changes } = this.#db
      .prepare('insert or ignore into event values (?, ?, ?, ?, ?, ?, ?)')
      .run(
        event.id,
        event.pubkey,
        event.kind,
        event.created_at,
        coordinate ?? null,
        expirationOf(event) ?? null,
        JSON.stringify(event),
      )
    if (changes === 0) return false
    const insertTag = this.#db.prepare('insert into tag values (?, ?, ?)')
    for (const [name, value] of event.tags)
      if (name?.length === 1 && value !== undefined) insertTag.run(event.id, name, value)
    return true
  }

  /** Whether its author asked to delete this event, before or after it came (NIP-09). */
  isDeleted(event: Event): boolean {
    if (event.kind === DELETION) return false
    // Of nearly every author there is none, which is quicker to see than that none names this event.
    const asks = this.#db.prepare(`select 1 from event where pubkey = ? and kind = ${DELETION} limit 1`)
    if (!asks.get(event.pubkey)) return false
    const asked = this.#db
      .prepare(
        `select 1 from tag join event on event.id = tag.event
         where event.kind = ${DELETION} and event.pubkey = ?
           and ((tag.name = 'e' and tag.value = ?) or (tag.name = 'a' and tag.value = ? and event.created_at >= ?))`,
      )
      .get(event.pubkey, event.id, coordinateOf(event) ?? null, event.created_at)
    return asked !== undefined
  }

  /** NIP-09: an author deletes their own events only; the request itself is kept, so that they do not come back. */
  deleteAsAsked(request: Event): void {
    this.#db.transaction(() => {
      this.#insert(request, undefined)
      for (const [name, value] of request.tags) {
        if (value === undefined) continue
        if (name === 'e')
          this.#db
            .prepare(`delete from event where id = ? and pubkey = ? and kind <> ${DELETION}`)
            .run(value, request.pubkey)
        if (name === 'a')
          this.#db
            .prepare('delete from event where coordinate = ? and pubkey = ? and created_at <= ?')
            .run(value, request.pubkey, request.created_at)
      }
    })
  }

  override find(filter: Filter): Event[] {
    const where = ['(expires is null or expires > ?)']
    const values: SqlValue[] = [this.#now()]
    const condition = (sql: string, value: SqlValue) => {
      where.push(sql)
      values.push(value)
    }
    // Lists travel as JSON, so that the statement's text (and its cache) does not depend on their lengths.
    const oneOf = (column: string, list: readonly (string | number)[]) =>
      condition(`${column} in (select value from json_each(?))`, JSON.stringify(list))
    if (filter.ids) oneOf('id', filter.ids)
    if (filter.authors) oneOf('pubkey', filter.authors)
    if (filter.kinds) oneOf('kind', filter.kinds)
    else if (this.#guarded.length > 0)
      condition('kind not in (select value from json_each(?))', JSON.stringify(this.#guarded))
    if (filter.since !== undefined) condition('created_at >= ?', filter.since)
    if (filter.until !== undefined) condition('created_at <= ?', filter.until)
    for (const [key, list] of Object.entries(filter)) {
      if (!/^#[a-zA-Z]$/.test(key) || !Array.isArray(list)) continue
      condition(
        `id in (select event from tag where name = '${key[1]}' and value in (select value from json_each(?)))`,
        JSON.stringify(list),
      )
    }
    values.push(Math.min(filter.limit ?? maxLimit, maxLimit))
    return this.#db
      .prepare<{ body: string }>(
        `select body from event where ${where.join(' and ')} order by created_at desc, id limit ?`,
      )
      .all(...values)
      .map(row => JSON.parse(row.body))
  }

  override async destroy(): Promise<void> {
    this.#db.close()
  }
}
