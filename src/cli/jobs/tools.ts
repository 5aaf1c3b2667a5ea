import { join } from 'node:path'
import { openAcquaintances, openJournal, type Tools } from '../../core/jobs/index.ts'
import type { House } from '../compose.ts'

/** What jobs work with, from a home that is at work. */
export const toolsOf = (
  { db, keyring, relays, blobs, wallet, compute, now, home }: House,
  log: (line: string) => void,
): Tools => ({
  keyring,
  journal: openJournal(db),
  acquaintances: openAcquaintances(db),
  relays,
  blobs,
  wallet,
  compute,
  now,
  folder: id => join(home.work, id),
  log,
})
