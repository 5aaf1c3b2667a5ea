import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSecretKey } from 'nostr-tools/pure'
import { expect } from 'vitest'
import { type Seconds, seconds } from '../../shared/units.ts'
import { type KeyPair, keyPair } from '../identity/index.ts'
import { type Database, migrate, openDatabase } from '../store/index.ts'
import { type EventTemplate, type NostrEvent, sign } from './event.ts'
import { createRelays, type Relays, type RelaysOptions } from './relays.ts'
import type { Timings } from './timings.ts'

/** The same waits as in real life, only shorter. */
export const QUICK: Timings = {
  connect: 2000,
  ping: 100,
  pong: 300,
  answer: 500,
  eose: 500,
  retry: 20,
  retryMax: 150,
  stable: 5000,
  rateLimited: 100,
  refused: 60_000,
  linger: 200,
}

export const unixNow = (): Seconds => seconds(Math.floor(Date.now() / 1000))
export const newKey = (): KeyPair => keyPair(generateSecretKey())

export function eventBy(key: KeyPair, template: Partial<EventTemplate> = {}): NostrEvent {
  return sign({ kind: 3450, created_at: unixNow(), tags: [], content: '', ...template }, key.secret)
}

/** Holds what a test opens, and closes it in the right order. */
export class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'gradstr-nostr-'))
  readonly #closing: (() => unknown)[] = []

  later(close: () => unknown): void {
    this.#closing.push(close)
  }
  async open<T extends { close(): unknown }>(opened: Promise<T>): Promise<T> {
    const it = await opened
    this.later(() => it.close())
    return it
  }
  database(): Database {
    const db = openDatabase(':memory:')
    migrate(db)
    this.later(() => db.close())
    return db
  }
  relays(options: Partial<RelaysOptions> = {}): Relays {
    const db = options.db ?? this.database()
    const relays = createRelays({ timings: QUICK, ...options, db })
    this.later(() => relays.close())
    return relays
  }
  async close(): Promise<void> {
    for (const close of this.#closing.reverse()) await close()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Waits until `check` is true; fails, saying what was waited for, when it never is. */
export async function until(what: string, check: () => boolean, withinMs = 8000): Promise<void> {
  await expect.poll(check, { message: what, timeout: withinMs, interval: 5 }).toBe(true)
}
