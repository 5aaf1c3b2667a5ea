import { closeSync, fsync, fsyncSync, openSync } from 'node:fs'
import { createRequire } from 'node:module'
import { promisify } from 'node:util'
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
  /**
   * Runs `work` in one transaction; inside another one it joins that. Rolls back when `work` throws. On disk when this
   * returns, unless the outermost is not `durable`; one that joins can ask for it all the same.
   */
  transaction<T>(work: () => T, options?: TransactionOptions): T
  /** How many transactions were rolled back: who keeps in memory what it wrote looks again when this has grown. */
  readonly rollbacks: number
  /**
   * Resolves once everything committed so far is on disk: before something leaves this machine that must not be
   * forgotten. Whoever waits at the same time waits for the same visit to the disk, and nobody else does.
   */
  persisted(): Promise<void>
  close(): void
}

/**
 * @property durable  False for what may be done again if the power fails in the next moment: a killed process loses
 *   nothing, commits reach the disk in order, and the next durable one takes all earlier ones with it. What leaves this
 *   machine (a request that moves money, an event) must be durable first, or wait for `persisted`. True when left out.
 */
export type TransactionOptions = { durable?: boolean }

export type OpenOptions = {
  driver?: Driver
  /** Forces a file to disk. Practice servers, whose data can be thrown away, do without. */
  sync?: (fd: number) => void
}

export type Driver = 'better-sqlite3' | 'libsql'

const require = createRequire(import.meta.url)

/** better-sqlite3 13 needs Node-API 10. */
const defaultDriver = (): Driver => (Number(process.versions.napi) >= 10 ? 'better-sqlite3' : 'libsql')

/** Opens (and creates) a database file, in WAL mode with foreign keys on; commits are durable unless told otherwise. */
export function openDatabase(path: string, options: OpenOptions = {}): Database {
  const { driver = defaultDriver(), sync = fsyncSync } = options
  const Constructor = require(driver) as typeof BetterSqlite3
  const raw = new Constructor(path)
  raw.exec(
    'pragma journal_mode = wal; pragma synchronous = normal; pragma foreign_keys = on; pragma busy_timeout = 5000',
  )
  const statements = new Map<string, Statement>()
  let depth = 0
  let durable = false
  let rollbacks = 0
  const log = walFile(path, sync)

  // Not by `prepare`: their ends are no statements of their own that must be on disk.
  const [begin, commit] = [raw.prepare('begin immediate'), raw.prepare('commit')]
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
        if (!raw.inTransaction) log.sync()
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
    get rollbacks() {
      return rollbacks
    },
    exec: sql => void raw.exec(sql),
    prepare: <R extends Row>(sql: string) => prepare(sql) as Statement<R>,
    transaction(work, options = {}) {
      if (depth > 0) {
        durable ||= options.durable === true
        return work()
      }
      durable = options.durable ?? true
      begin.run()
      depth++
      try {
        const result = work()
        commit.run()
        if (durable) log.sync()
        else log.changed()
        return result
      } catch (error) {
        rollbacks++
        if (raw.inTransaction) raw.exec('rollback')
        throw error
      } finally {
        depth--
      }
    },
    persisted: () => log.persisted(),
    close() {
      void log.close()
      raw.close()
    },
  }
}

/**
 * SQLite's log of commits, which it writes to the file itself in order; forcing the file to disk is all that
 * `synchronous = full` would do more, at every commit.
 */
function walFile(path: string, sync: (fd: number) => void) {
  let fd: number | undefined
  let isChanged = false
  let running: Promise<void> | undefined
  let pending: Promise<void> | undefined
  // For writing, as Windows wants it. There is one as long as a connection is open.
  const file = (): number => {
    fd ??= openSync(`${path}-wal`, 'r+')
    return fd
  }
  /** In a thread of Node's pool, where it is the system's own call: the process goes on meanwhile. */
  const write = async (): Promise<void> => {
    isChanged = false
    try {
      if (sync === fsyncSync) await later(file())
      else sync(file())
    } catch (error) {
      isChanged = true
      throw error
    } finally {
      running = undefined
    }
  }
  return {
    changed: () => {
      isChanged = true
    },
    sync(): void {
      if (path === ':memory:') return
      sync(file())
      isChanged = false
    },
    persisted(): Promise<void> {
      if (path === ':memory:') return Promise.resolve()
      if (!isChanged) return running ?? Promise.resolve()
      // What is under way began before the last commit.
      pending ??= (running ?? Promise.resolve())
        .catch(() => {})
        .then(() => {
          pending = undefined
          running = write()
          return running
        })
      return pending
    },
    async close(): Promise<void> {
      if (fd === undefined) return
      const open = fd
      fd = undefined
      await running?.catch(() => {})
      closeSync(open)
    },
  }
}

const later = promisify(fsync)
