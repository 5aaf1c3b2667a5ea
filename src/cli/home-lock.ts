import { readFileSync, writeFileSync } from 'node:fs'
import { z } from 'zod'
import { openDatabase } from '../core/store/index.ts'
import { UserError } from '../shared/errors.ts'
import type { Home } from './home.ts'

export interface HomeLock {
  release(): void
}

const holder = z.object({ pid: z.int(), command: z.string() })

/**
 * One process at a time runs jobs or moves money in a home. The lock is SQLite's own on a database that holds nothing:
 * the operating system lets go of it when the process ends, however it ends.
 * @throws UserError `home/busy`
 */
export function lockHome(home: Home, command: string): HomeLock {
  const who = `${home.lock}.holder`
  const db = openDatabase(home.lock)
  try {
    db.exec('pragma busy_timeout = 0')
    db.exec('begin exclusive')
  } catch (error) {
    db.close()
    if (!isBusy(error)) throw error
    throw new UserError('home/busy', {
      message: `Another Gradstr${holderOf(who)} is at work in this home.`,
      where: home.folder,
      fix: 'Wait for it or stop it (Ctrl-C), or use another folder with --home. `gradstr jobs` and `gradstr wallet balance` work meanwhile.',
    })
  }
  writeFileSync(who, JSON.stringify({ pid: process.pid, command }), { mode: 0o600 })
  return {
    release() {
      db.exec('rollback')
      db.close()
    },
  }
}

const isBusy = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && String(error.code).startsWith('SQLITE_BUSY')

/** For the message only: the lock itself does not depend on this file. */
function holderOf(path: string): string {
  try {
    const { pid, command } = holder.parse(JSON.parse(readFileSync(path, 'utf8')))
    return ` (\`${command}\`, process ${pid})`
  } catch {
    return ''
  }
}
