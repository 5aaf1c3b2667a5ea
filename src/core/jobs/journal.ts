import type { Seconds } from '../../shared/units.ts'
import type { Database } from '../store/index.ts'
import type { EffectBase, Entry } from './machine.ts'

export type Side = 'customer' | 'provider'

/** The tables `job`, `entry` and `effect`: logs and what they ask for, as JSON. */
export function openJournal(db: Database) {
  const json = <T>(text: unknown): T => JSON.parse(text as string) as T
  return {
    transaction: db.transaction,
    /** Grows whenever what was written is taken back. */
    rollbacks: (): number => db.rollbacks,

    create(id: string, side: Side, at: Seconds): void {
      db.prepare('insert or ignore into job (id, side, created_at) values (?, ?, ?)').run(id, side, at)
    },
    /** Newest first. */
    jobs(side: Side): { id: string; createdAt: Seconds; closedAt: Seconds | null }[] {
      return db
        .prepare<{ id: string; createdAt: Seconds; closedAt: Seconds | null }>(
          `select id, created_at as "createdAt", closed_at as "closedAt" from job where side = ? order by created_at desc, rowid desc`,
        )
        .all(side)
    },
    /** Jobs of both sides that are over, and have left something with others as far as is known. */
    untidied(): { id: string; side: Side }[] {
      return db
        .prepare<{ id: string; side: Side }>(
          'select id, side from job where closed_at is not null and tidied_at is null order by rowid',
        )
        .all()
    },
    tidied(id: string, at: Seconds): void {
      db.prepare('update job set tidied_at = ? where id = ?').run(at, id)
    },
    close(id: string, at: Seconds): void {
      db.prepare('update job set closed_at = ? where id = ? and closed_at is null').run(at, id)
    },

    /** @returns false when an entry of this id is there already */
    append<F>(job: string, entry: Entry<F>, version: number): boolean {
      const { changes } = db
        .prepare(
          `insert or ignore into entry (job, position, id, version, at, fact)
           select ?, coalesce(max(position) + 1, 0), ?, ?, ?, ? from entry where job = ?`,
        )
        .run(job, entry.id, version, entry.at, JSON.stringify(entry.fact), job)
      return changes === 1
    },
    log<F>(job: string): Entry<F>[] {
      return db
        .prepare<{ id: string; at: Seconds; fact: string }>(
          'select id, at, fact from entry where job = ? order by position',
        )
        .all(job)
        .map(({ id, at, fact }) => ({ id, at, fact: json<F>(fact) }))
    },

    /** @returns false when this effect was asked for before */
    ask(job: string, effect: EffectBase): boolean {
      const { changes } = db
        .prepare(
          `insert or ignore into effect (job, id, position, body)
           select ?, ?, coalesce(max(position) + 1, 0), ? from effect where job = ?`,
        )
        .run(job, effect.id, JSON.stringify(effect), job)
      return changes === 1
    },
    finish(job: string, effect: string, at: Seconds): void {
      db.prepare('update effect set done_at = ? where job = ? and id = ?').run(at, job, effect)
    },
    pending<E extends EffectBase>(job: string): E[] {
      return db
        .prepare<{ body: string }>(
          'select body from effect where job = ? and done_at is null order by position',
        )
        .all(job)
        .map(row => json<E>(row.body))
    },
  }
}
export type Journal = ReturnType<typeof openJournal>
