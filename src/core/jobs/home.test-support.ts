import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { bytes, sats, seconds } from '../../shared/units.ts'
import { createBlobs } from '../blobs/index.ts'
import { openCompute } from '../compute/index.ts'
import { newMnemonic, openKeyring } from '../identity/index.ts'
import type { Localnet } from '../localnet/index.ts'
import { createRelays } from '../nostr/index.ts'
import { openWallet } from '../payments/index.ts'
import { migrate, openDatabase } from '../store/index.ts'
import { openAcquaintances } from './acquaintances.ts'
import { openJournal } from './journal.ts'
import type { Terms } from './provider/consider.ts'
import type { Tools } from './tools.ts'

const workerEntry = new URL('../../worker/index.ts', import.meta.url)

/** A whole home in a folder, on a practice network: real sockets, files, workers and mint. */
export async function openHome(
  folder: string,
  { mnemonic = newMnemonic(), log = (_: string): void => {} } = {},
) {
  mkdirSync(folder, { recursive: true })
  const db = openDatabase(join(folder, 'gradstr.db'))
  migrate(db)
  const keyring = openKeyring(mnemonic)
  const wallet = await openWallet({ db, seed: keyring.walletSeed })
  const relays = createRelays({ db, log })
  const compute = openCompute({ entry: workerEntry, log })
  const tools: Tools = {
    keyring,
    journal: openJournal(db),
    acquaintances: openAcquaintances(db),
    relays,
    blobs: createBlobs({ db, folder: join(folder, 'blobs'), policy: () => undefined }),
    wallet,
    compute,
    now: () => seconds(Math.floor(Date.now() / 1000)),
    folder: id => join(folder, 'jobs', id),
    log,
  }
  return {
    tools,
    mnemonic,
    async close(): Promise<void> {
      wallet.close()
      await compute.close()
      await relays.close()
      db.close()
    },
  }
}
export type TestHome = Awaited<ReturnType<typeof openHome>>

export const termsOn = ({ relay, blossom, mint }: Localnet, more: Partial<Terms> = {}): Terms => ({
  device: 'test',
  engine: 'cpu',
  flopsPerSecond: 5e9,
  memory: bytes(2e9),
  price: { perPflop: sats(1000), minimum: sats(20) },
  maxDownload: bytes(1e9),
  strangers: 0.25,
  mints: [mint],
  blossoms: [blossom],
  relays: [relay],
  leastLock: seconds(10),
  gentle: false,
  threads: 1,
  ...more,
})

/** A table whose class follows from two of its columns. */
export function writeTable(folder: string, rows: number): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, 'table.csv')
  const lines = ['id,height,weight,colour,label']
  let state = 1
  const random = (): number => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
  for (let i = 0; i < rows; i++) {
    const [a, b] = [random() * 4 - 2, random() * 4 - 2]
    const colour = random() < 0.5 ? 'red' : 'blue'
    lines.push(
      `${i},${a.toFixed(4)},${b.toFixed(4)},${colour},${a + b + (colour === 'red' ? 1 : 0) > 0 ? 'yes' : 'no'}`,
    )
  }
  writeFileSync(path, lines.join('\n'))
  return path
}
