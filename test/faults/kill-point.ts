import { closeSync, openSync } from 'node:fs'
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
 *
 * Of several processes with the same GRADSTR_TEST_KILL_ONCE, a path, only the first to make that file dies.
 */
const moment = process.env.GRADSTR_TEST_KILL
// Its workers inherit the environment; they have no database.
if (moment !== undefined && process.argv[1]?.endsWith('cli/index.ts')) dieAt(moment)

function isFirst(): boolean {
  const path = process.env.GRADSTR_TEST_KILL_ONCE
  try {
    if (path !== undefined) closeSync(openSync(path, 'wx'))
    return true
  } catch {
    return false
  }
}

function dieAt(moment: string): void {
  const [kind = '', ...rest] = moment.split(':')
  const what = rest.join(':')
  const pattern = kind === 'fact' ? new RegExp(what) : undefined
  const die = (): void => void (isFirst() && process.kill(process.pid, 'SIGKILL'))
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
  const { prepare } = Database.prototype
  Database.prototype.prepare = function (this: BetterSqlite3.Database, sql: string) {
    const statement = prepare.call(this, sql)
    if (!this.name.endsWith('gradstr.db')) return statement
    const run = statement.run.bind(statement) as (...values: unknown[]) => BetterSqlite3.RunResult
    statement.run = (...values: unknown[]) => {
      if (sql.startsWith('insert or ignore into entry') && values.some(isMatch)) matched = true
      const work = () => run(...values)
      // A write outside a transaction is a commit of its own.
      const commits =
        sql === 'commit' || !(this.inTransaction || statement.readonly || sql.startsWith('begin'))
      return commits ? (committing(work) as BetterSqlite3.RunResult) : work()
    }
    return statement
  } as typeof prepare
  const isMatch = (value: unknown): boolean => typeof value === 'string' && pattern?.test(value) === true
}
