import { schnorr } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { HDKey } from '@scure/bip32'
import * as nip19 from 'nostr-tools/nip19'
import { UserError } from '../../shared/errors.ts'
import { xOnlyPublicKey } from './curve.ts'
import { seedOf } from './mnemonic.ts'
import { type Branch, IDENTITY_PATH, pathOf } from './paths.ts'
import { type PaymentKeys, paymentKeys } from './payment-keys.ts'

/** A Nostr key pair: `pubkey` is the 32-byte x-only public key, hex (BIP-340). */
export interface KeyPair {
  secret: Uint8Array
  pubkey: string
}

/** Every key a person uses, all from one mnemonic; an imported nsec replaces the identity alone. */
export interface Keyring {
  identity: KeyPair
  /** BIP-39's seed, 64 bytes: the wallet's deterministic secrets (NUT-13). */
  walletSeed: Uint8Array
  /** J, the customer's key for one job. */
  job(jobId: string): KeyPair
  /** P, the provider's key for one bid. */
  engagement(bidId: string): KeyPair
  /** A BIP-32 account of lock keys for one award (customer) or bid (provider). */
  payments(scope: string): PaymentKeys
}

/** Derived keys kept: those of a few hundred engagements under way. */
const KEPT = 1000

/**
 * @throws UserError `identity/bad-mnemonic`, `identity/bad-nsec`
 */
export function openKeyring(mnemonic: string, options: { nsec?: string } = {}): Keyring {
  const walletSeed = seedOf(mnemonic)
  const root = HDKey.fromMasterSeed(walletSeed)
  const derived = new Map<string, HDKey>()
  const accounts = new WeakMap<HDKey, PaymentKeys>()
  // Six steps down, some milliseconds each time: those last asked for are kept, beside the root they follow from.
  const named = (branch: Branch, name: string): HDKey => {
    const path = pathOf(branch, name)
    const key = derived.get(path) ?? root.derive(path)
    derived.delete(path)
    derived.set(path, key)
    const [oldest] = derived.keys()
    if (derived.size > KEPT && oldest !== undefined) derived.delete(oldest)
    return key
  }
  return {
    identity: options.nsec === undefined ? pairOf(root.derive(IDENTITY_PATH)) : pairOfNsec(options.nsec),
    walletSeed,
    job: jobId => pairOf(named('job', jobId)),
    engagement: bidId => pairOf(named('engagement', bidId)),
    payments(scope) {
      const account = named('payments', scope)
      const keys = accounts.get(account) ?? paymentKeys(account)
      accounts.set(account, keys)
      return keys
    },
  }
}

/** @throws UserError `identity/bad-nsec` */
export function pairOfNsec(nsec: string): KeyPair {
  try {
    const decoded = nip19.decode(nsec.trim())
    if (decoded.type === 'nsec') return keyPair(decoded.data)
  } catch {
    // Not bech32, a wrong checksum, or a number that is no key: the same answer, without the text itself.
  }
  throw new UserError('identity/bad-nsec', {
    message: 'This is not a Nostr secret key.',
    fix: 'Paste the whole key: it begins with "nsec1" and has 63 characters.',
    where: 'nsec',
  })
}

export const keyPair = (secret: Uint8Array): KeyPair => ({
  secret,
  pubkey: bytesToHex(xOnlyPublicKey(secret)),
})

/** Whether 32 bytes of hex are the x of a point on the curve (BIP-340): about half of all are not. */
export function isPubkey(hex: string): boolean {
  if (!/^[0-9a-f]{64}$/.test(hex)) return false
  try {
    schnorr.utils.lift_x(BigInt(`0x${hex}`))
    return true
  } catch {
    return false
  }
}

function pairOf(key: HDKey): KeyPair {
  if (!key.privateKey) throw new RangeError('a derived key without its private part')
  return keyPair(key.privateKey)
}
