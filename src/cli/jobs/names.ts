import { z } from 'zod'
import { keyText } from '../format.ts'
import { type Home, homeExists } from '../home.ts'
import { openStore } from '../store.ts'
import type { Naming } from './view.ts'

const stored = z.record(z.string(), z.string())

/** Local providers keep their keys from job to job, and so the plain names that they had while one ran. */
export function rememberNames(home: Home, names: ReadonlyMap<string, string>): void {
  const { db, settings } = openStore(home)
  try {
    settings.set('provider-names', {
      ...settings.get('provider-names', stored),
      ...Object.fromEntries(names),
    })
  } finally {
    db.close()
  }
}

export function rememberedNaming(home: Home): Naming {
  const names = new Map(Object.entries(namesIn(home)))
  return key => names.get(key) ?? keyText(key)
}

function namesIn(home: Home): z.infer<typeof stored> {
  if (!homeExists(home)) return {}
  const { db, settings } = openStore(home)
  try {
    return settings.get('provider-names', stored) ?? {}
  } finally {
    db.close()
  }
}
