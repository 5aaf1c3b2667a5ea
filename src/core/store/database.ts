import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'

/** What SQLite takes and gives. Integers beyond 2^53 are not used in Gradstr. */
export type SqlValue = string | number | bigint | Uint8Array | null
export type Row = Record<string, SqlValue>

export interface Statement<R extends Row = Row> {
  run(...values: SqlValue[]): { changes: number; lastInsertRowid: number }
  get(...values: SqlValue[]): R | undefined
  all(...values: SqlValue[]): R[]
}

/**
 * The part of SQLite that Gradstr uses, the same on both drivers: better-sqlite3, and libsql (same API, older
 * Node-API) where better-sqlite3 cannot load, as in Electron 25.
 */
export interface Database {
  readonly driver: Driver
  exec(sql: string): void
  /** Statements are cached by their text. */
  prepare<R extends Row = Row>(sql: string): Statement<R>
  /** Runs `work` in one transaction; inside another one it joins that. Rolls back when `work` throws. */
  transaction<T>(work: () => T): T
  close(): void
}

export type Driver = 'better-sqlite3' | 'libsql'

const require = createRequire(import.meta.url)

/** better-sqlite3 13 needs Node-API 10. */
const defaultDriver = (): Driver => (Number(process.versions.napi) >= 10 ? 'better-sqlite3' : 'libsql')

/** Opens (and creates) a database file, in WAL mode with foreign keys on and every commit on disk. */
export function openDatabase(path: string, driver: Driver = defaultDriver()): Database {
  const Constructor = require(driver) as typeof BetterSqlite3
  const raw = new Constructor(path)
  raw.exec(
    'pragma journal_mode = wal; pragma synchronous = full; pragma foreign_keys = on; pragma busy_timeout = 5000',
  )
  const statements = new Map<string, Statement>()
  let depth = 0

  const prepare = (sql: string): Statement => {
    const known = statements.get(sql)
    if (known) return known
    const prepared = raw.prepare(sql)
    const clean = (row: unknown): Row => {
      const plain = { ...(row as Row) }
      // libsql adds its own field to what `get` returns
      delete plain._metadata
      return plain
    }
    const statement: Statement = {
      run: (...values) => {
        const { changes, lastInsertRowid } = prepared.run(...values)
        return { changes, lastInsertRowid: Number(lastInsertRowid) }
      },
      get: (...values) => {
        const row = prepared.get(...values)
        return row === undefined ? undefined : clean(row)
      },
      all: (...values) => prepared.all(...values).map(clean),
    }
    statements.set(sql, statement)
    return statement
  }

  return {
    driver,
    exec: sql => void raw.exec(sql),
    prepare: <R extends Row>(sql: string) => prepare(sql) as Statement<R>,
    transaction(work) {
      if (depth > 0) return work()
      raw.exec('begin immediate')
      depth++
      try {
        const result = work()
        raw.exec('commit')
        return result
      } catch (error) {
        raw.exec('rollback')
        throw error
      } finally {
        depth--
      }
    },
    close: () => void raw.close(),
  }
}
