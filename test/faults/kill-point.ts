import { createRequire } from 'node:module'
import type BetterSqlite3 from 'better-sqlite3'

/**
 * Loaded into a `gradstr` process by `--import`: it dies (SIGKILL) at one exact moment, counted in commits of its home's
 * database. Whatever a process does for others lies between two commits, so before and after every commit there is
 * every moment at which a crash makes a difference.
 *
 * GRADSTR_TEST_KILL:
 * - `before:12`, `after:12`: the 12th commit is about to be written, or was written just now
 * - `fact:PATTERN`: the commit that wrote a log entry whose fact matches the regular expression
 */
const moment = process.env.GRADSTR_TEST_KILL
// Its workers inherit the environment; they have no database.
if (moment !== undefined && process.argv[1]?.endsWith('cli/index.ts')) dieAt(moment)

function dieAt(moment: string): void {
  const [kind = '', ...rest] = moment.split(':')
  const what = rest.join(':')
  const pattern = kind === 'fact' ? new RegExp(what) : undefined
  const die = (): void => void process.kill(process.pid, 'SIGKILL')
  let commits = 0
  let matched = false
  const committing = (commit: () => unknown): unknown => {
    commits++
    if (kind === 'before' && commits === Number(what)) die()
    const result = commit()
    if ((kind === 'after' && commits === Number(what)) || matched) die()
    return result
  }

  const Database = createRequire(import.meta.url)('better-sqlite3') as typeof BetterSqlite3
  const { exec, prepare } = Database.prototype
  const isHome = (db: BetterSqlite3.Database): boolean => db.name.endsWith('gradstr.db')
  Database.prototype.exec = function (sql) {
    const work = () => exec.call(this, sql)
    // `exec` gives back the database itself.
    return (isHome(this) && sql === 'commit' ? committing(work) : work()) as typeof this
  }
  Database.prototype.prepare = function (this: BetterSqlite3.Database, sql: string) {
    const statement = prepare.call(this, sql)
    if (!isHome(this) || statement.readonly) return statement
    const run = statement.run.bind(statement) as (...values: unknown[]) => BetterSqlite3.RunResult
    statement.run = (...values: unknown[]) => {
      if (sql.startsWith('insert or ignore into entry') && values.some(isMatch)) matched = true
      const work = () => run(...values)
      // A write outside a transaction is a commit of its own.
      return this.inTransaction ? work() : (committing(work) as BetterSqlite3.RunResult)
    }
    return statement
  } as typeof prepare
  const isMatch = (value: unknown): boolean => typeof value === 'string' && pattern?.test(value) === true
}
