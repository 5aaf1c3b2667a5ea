import { readdirSync, readFileSync } from 'node:fs'
import { UserError } from '../../shared/errors.ts'
import type { Database } from './database.ts'

const folder = new URL('./migrations/', import.meta.url)

/** Numbered SQL files, `0001-what.sql`, run once each and in order. A released file is never edited. */
export function migrations(): { version: number; name: string; sql: string }[] {
  return readdirSync(folder)
    .filter(name => /^\d{4}-[a-z-]+\.sql$/.test(name))
    .sort()
    .map(name => ({
      version: Number(name.slice(0, 4)),
      name,
      sql: readFileSync(new URL(name, folder), 'utf8'),
    }))
}

/**
 * Brings a database up to date, each migration in its own transaction.
 * @throws UserError `store/newer` when a newer Gradstr wrote it
 */
export function migrate(db: Database): void {
  db.exec('create table if not exists migration (version integer primary key, name text not null) strict')
  const done = new Set(
    db
      .prepare<{ version: number }>('select version from migration')
      .all()
      .map(row => row.version),
  )
  const known = migrations()
  const newest = Math.max(0, ...known.map(m => m.version))
  const newer = [...done].filter(version => version > newest)
  if (newer.length > 0)
    throw new UserError('store/newer', {
      message: `This data folder was written by a newer Gradstr (schema ${Math.max(...newer)}; this one knows ${newest}).`,
      fix: 'Update Gradstr, or use another folder with --home.',
    })
  for (const { version, name, sql } of known) {
    if (done.has(version)) continue
    db.transaction(() => {
      db.exec(sql)
      db.prepare('insert into migration (version, name) values (?, ?)').run(version, name)
    })
  }
}
