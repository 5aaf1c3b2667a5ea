import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { type Sats, sats } from '../../shared/units.ts'
import { type Database, migrate, openDatabase } from '../store/index.ts'
import type { Wallet } from './types.ts'
import { openWallet, type WalletOptions } from './wallet.ts'

/** What the tests of this room share: folders, wallets, keys, and the mint's own books to compare with. */

export function testFolder(): { path: string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'gradstr-wallet-'))
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) }
}

export type Home = { wallet: Wallet; db: Database; close(): void }

export async function openHome(
  folder: string,
  name: string,
  options: Partial<WalletOptions> = {},
): Promise<Home> {
  const db = openDatabase(join(folder, `${name}.sqlite`))
  migrate(db)
  const wallet = await openWallet({ db, seed: seedOf(name), ...options })
  return {
    wallet,
    db,
    close: () => {
      wallet.close()
      db.close()
    },
  }
}

/** The same name, the same seed. */
export const seedOf = (name: string): Uint8Array =>
  Uint8Array.from({ length: 64 }, (_, i) => (name.charCodeAt(i % name.length) + i) % 256)

type Key = { secret: Uint8Array; pubkey: string }
export function newKey(): Key {
  const secret = secp256k1.utils.randomSecretKey()
  return { secret, pubkey: bytesToHex(secp256k1.getPublicKey(secret, true)) }
}
export type Keys = { provider: Key; customer: Key; refund: Key }
export const newKeys = (): Keys => ({ provider: newKey(), customer: newKey(), refund: newKey() })

export async function fund(home: Home, mint: string, amount: number): Promise<void> {
  await (await home.wallet.topUp(mint, sats(amount))).paid
}

export const inAnHour = (): number => Math.floor(Date.now() / 1000) + 3600

export function lockRequest(id: string, mint: string, keys: Keys, amount: number, locktime = inAnHour()) {
  return {
    id,
    mint,
    amount: sats(amount),
    ...termsOf(keys, locktime),
    job: 'job',
    cap: sats(1_000_000),
  }
}
export const termsOf = (keys: Keys, locktime: number) => ({
  provider: keys.provider.pubkey,
  customer: keys.customer.pubkey,
  refund: keys.refund.pubkey,
  locktime,
})
export const refundKeys = (keys: Keys) => ({ customer: keys.customer.secret, refund: keys.refund.secret })

/** What the mint itself says is out in the world: signed, less spent. */
export function outstandingAt(databasePath: string): Sats {
  const db = openDatabase(databasePath)
  const one = (sql: string) => db.prepare<{ n: number | null }>(sql).get()?.n ?? 0
  const amount = one('select sum(amount) n from signature') - one('select sum(amount) n from spent')
  db.close()
  return sats(amount)
}
