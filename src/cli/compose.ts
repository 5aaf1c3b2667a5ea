import { join } from 'node:path'
import { addressPolicy, type Blobs, createBlobs } from '../core/blobs/index.ts'
import type { Compute } from '../core/compute/index.ts'
import type { Keyring } from '../core/identity/index.ts'
import { createRelays, type Relays } from '../core/nostr/index.ts'
import { openWallet, type Wallet } from '../core/payments/index.ts'
import { type Seconds, seconds } from '../shared/units.ts'
import type { Call } from './cli.ts'
import { closing } from './closing.ts'
import { computeFor } from './compute.ts'
import { type Home, homeExists } from './home.ts'
import { type HomeLock, lockHome } from './home-lock.ts'
import { chooseNetwork, type Network } from './network.ts'
import { keyringOf, type PreparedSecrets, prepareSecrets } from './secrets.ts'
import { openStore, type Store } from './store.ts'

/** A home that this process has to itself: its keys and its money. */
export interface Safe extends Store {
  home: Home
  network: Network
  keyring: Keyring
  wallet: Wallet
  close(): Promise<void>
}

/** All of a home at work: with its connections to others and its workers. */
export interface House extends Safe {
  relays: Relays
  blobs: Blobs
  compute: Compute
  now: () => Seconds
}

interface Opening {
  home: Home
  /** Told to whoever finds the home busy. */
  command: string
  /** A recovery phrase that the person brings to a new home. */
  mnemonic?: string
  /** Replaces flags and memory: the practice network's addresses, which are not remembered. */
  network?: Network
}

/** Opens keys and wallet; makes the home on its first use, once a passphrase is known. */
export async function openSafe(call: Call, opening: Opening): Promise<Safe> {
  const { home, command } = opening
  const parts = closing()
  const take = (lock: HomeLock) => parts.opened(lock, l => l.release())
  try {
    // Whoever finds the home busy is not asked for a passphrase first; a home that is not there yet is not made for nothing.
    const there = homeExists(home)
    if (there) take(lockHome(home, command))
    const secrets: PreparedSecrets = await prepareSecrets(call, opening)
    const store = openStore(home)
    parts.opened(store.db, db => db.close())
    if (!there) take(lockHome(home, command))
    const keyring = keyringOf(await secrets.keep())
    const network = opening.network ?? chooseNetwork(store.settings, call.network)
    const wallet = parts.opened(
      await openWallet({ db: store.db, seed: keyring.walletSeed, log: call.log.line }),
      w => w.close(),
    )
    return { ...store, home, network, keyring, wallet, close: () => parts.close() }
  } catch (error) {
    await parts.close()
    throw error
  }
}

export async function openHouse(call: Call, opening: Opening): Promise<House> {
  const safe = await openSafe(call, opening)
  const parts = closing()
  parts.opened(safe, s => s.close())
  const { db, keyring, network, home } = safe
  const log = call.log.line
  try {
    const relays = parts.opened(createRelays({ db, log, identity: keyring.identity }), r => r.close())
    const blobs = createBlobs({
      db,
      folder: join(home.work, 'blobs'),
      policy: addressPolicy(network.blossoms),
      report: ({ server, reason }) => log(`Blossom server ${server}: ${reason}`),
    })
    const compute = parts.opened(computeFor(call), c => c.close())
    const now = () => seconds(Math.floor(call.cli.now() / 1000))
    const house = { ...safe, relays, blobs, compute, now, close: () => parts.close() }
    const [{ keepTidy }, { toolsOf }] = await Promise.all([
      import('../core/jobs/index.ts'),
      import('./jobs/tools.ts'),
    ])
    parts.opened(keepTidy(toolsOf(house, log)), t => t.close())
    return house
  } catch (error) {
    await parts.close()
    throw error
  }
}
