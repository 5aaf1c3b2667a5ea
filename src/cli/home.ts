import { chmodSync, closeSync, mkdirSync, openSync, statSync } from 'node:fs'
import { join, resolve } from 'node:path'
import envPaths from 'env-paths'
import { UserError } from '../shared/errors.ts'

/**
 * A folder that holds one identity: its database, encrypted secrets, wallet, jobs and log. The practice network has a
 * home of its own inside it, so that play money and real money never meet in one ledger.
 */
export interface Home {
  folder: string
  practice: boolean
  database: string
  lock: string
  log: string
  /** Shards, weights, updates: what jobs keep while they run. */
  work: string
}

/** `--home`, else GRADSTR_HOME, else the platform's data folder. Makes nothing. */
export function homeFolder(flag: string | undefined, env: NodeJS.ProcessEnv, cwd: string): string {
  const chosen = flag ?? env.GRADSTR_HOME
  if (chosen !== undefined && chosen.trim() === '')
    throw new UserError('usage/empty-home', {
      message: 'The home folder has an empty name.',
      fix: 'Name a folder with --home, or leave --home and GRADSTR_HOME out.',
    })
  return chosen === undefined ? envPaths('gradstr', { suffix: '' }).data : resolve(cwd, chosen)
}

export const liveHome = (folder: string): Home => homeIn(folder, false)
export const practiceHome = (folder: string): Home => homeIn(join(folder, 'practice'), true)

const homeIn = (folder: string, practice: boolean): Home => ({
  folder,
  practice,
  database: join(folder, 'gradstr.db'),
  lock: join(folder, 'lock.db'),
  log: join(folder, 'log.jsonl'),
  work: join(folder, 'work'),
})

export const homeExists = (home: Home): boolean =>
  statSync(home.database, { throwIfNoEntry: false })?.isFile() ?? false

/**
 * Makes the home's folder (0700: only its owner enters) and an empty database file (0600; SQLite gives its side files
 * the same mode). @throws UserError `home/not-a-folder`
 */
export function makeHome(home: Home): void {
  const there = statSync(home.folder, { throwIfNoEntry: false })
  if (there && !there.isDirectory())
    throw new UserError('home/not-a-folder', {
      message: 'The home is a file, not a folder.',
      where: home.folder,
      fix: 'Name a folder with --home (it may be new).',
    })
  mkdirSync(home.folder, { recursive: true, mode: 0o700 })
  closeSync(openSync(home.database, 'a', 0o600))
  chmodSync(home.database, 0o600)
}
