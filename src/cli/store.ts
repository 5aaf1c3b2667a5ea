import { type Database, migrate, openDatabase } from '../core/store/index.ts'
import { UserError } from '../shared/errors.ts'
import { type Home, homeExists, makeHome } from './home.ts'
import { openSettings, type Settings } from './settings.ts'

export interface Store {
  db: Database
  settings: Settings
}

/** A home's database, brought up to date. The home is made when it is not there. */
export function openStore(home: Home): Store {
  makeHome(home)
  return storeAt(home)
}

/** For commands that only read: @throws UserError `home/none` instead of making a home */
export function openExistingStore(home: Home): Store {
  if (!homeExists(home))
    throw new UserError('home/none', {
      message: 'There is no Gradstr home here yet.',
      where: home.folder,
      fix: 'Name its folder with --home or GRADSTR_HOME. `gradstr wallet topup SATS --mint URL` makes a new one.',
    })
  return storeAt(home)
}

function storeAt(home: Home): Store {
  const db = openDatabase(home.database)
  try {
    migrate(db)
    return { db, settings: openSettings(db) }
  } catch (error) {
    db.close()
    throw error
  }
}
