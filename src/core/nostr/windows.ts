import type { Filter } from 'nostr-tools/filter'
import { type Seconds, seconds } from '../../shared/units.ts'
import type { Database } from '../store/index.ts'

/** Clocks differ; relays take events from a quarter of an hour ahead. */
const MARGIN = 15 * 60

/** The tables `sync_window` and `seen`: what each subscription has had, from each relay. */
export function openWindows(db: Database, now: () => Seconds) {
  return {
    /**
     * Unix time from which a relay must be asked: the last complete sync less `slack` and a margin; undefined when
     * there never was one with this filter. A clock that ran ahead once must not hide events: never beyond now.
     */
    since(name: string, url: string, filter: Filter, slack: Seconds): Seconds | undefined {
      const row = db
        .prepare<{ at: number }>(
          'select complete_until as at from sync_window where name = ? and url = ? and filter = ?',
        )
        .get(name, url, textOf(filter))
      return row && seconds(Math.max(0, Math.min(row.at, now()) - slack - MARGIN))
    },
    complete(name: string, url: string, filter: Filter, at: Seconds): void {
      const save = () =>
        db
          .prepare(
            `insert into sync_window (name, url, filter, complete_until) values (?, ?, ?, ?)
             on conflict (name, url) do update
             set filter = excluded.filter, complete_until = excluded.complete_until`,
          )
          .run(name, url, textOf(filter), at)
      // An older window only asks for more.
      db.transaction(save, { durable: false })
    },

    hasSeen(name: string, id: string): boolean {
      return db.prepare('select 1 from seen where name = ? and id = ?').get(name, id) !== undefined
    },
    /** Runs `handle` and the mark in one transaction; when it throws there is no mark. */
    once(name: string, event: { id: string; created_at: number }, handle: () => void): void {
      db.transaction(
        () => {
          const { changes } = db
            .prepare('insert or ignore into seen (name, id, created_at) values (?, ?, ?)')
            .run(name, event.id, event.created_at)
          if (changes === 1) handle()
        },
        // Mark and outcome are lost together if at all, and the event comes again.
        { durable: false },
      )
    },
    /** Forgets all that a subscription had. */
    forget(name: string): void {
      db.transaction(() => {
        db.prepare('delete from sync_window where name = ?').run(name)
        db.prepare('delete from seen where name = ?').run(name)
      })
    },
    /** Forgets marks of events that no relay will be asked for again. */
    prune(name: string, before: Seconds): void {
      db.prepare('delete from seen where name = ? and created_at < ?').run(name, before)
    },
  }
}
export type Windows = ReturnType<typeof openWindows>

const textOf = (filter: Filter): string =>
  JSON.stringify(Object.entries(filter).sort(([a], [b]) => (a < b ? -1 : 1)))
