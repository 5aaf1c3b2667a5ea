import { bytesToHex } from '@noble/hashes/utils.js'
import { HARDENED_OFFSET, HDKey } from '@scure/bip32'
import { UserError } from '../../shared/errors.ts'
import { childKey, type TreeKey, treeKey } from './child-key.ts'

export interface PaymentKeys {
  /** Travels in the bid or the award: the other side derives the same public keys from it, and none of the secrets. */
  xpub: string
  /**
   * Non-hardened child, for example `key(0, round)`. The secret must never be shown to anyone: with the xpub it
   * gives away its whole account (BIP-32's known weakness of public derivation).
   */
  key(...path: number[]): PaymentKey
}

/** `pubkey`: 33 bytes compressed, hex, as Cashu's NUT-11 wants it. */
export interface PaymentKey {
  secret: Uint8Array
  pubkey: string
}

export function paymentKeys(account: HDKey): PaymentKeys {
  const child = remembering(treeKey(account))
  return {
    xpub: account.publicExtendedKey,
    key(...path) {
      const { secret, publicKey } = child(path)
      if (!secret) throw new RangeError('a payment account without its private key')
      return { secret, pubkey: bytesToHex(publicKey) }
    },
  }
}

/**
 * What the counterparty derives: the public key at `path` below an xpub it was sent, 33 bytes compressed, hex.
 * @throws UserError `identity/bad-xpub` for anything but a valid extended *public* key
 */
export function paymentPubkey(xpub: string, ...path: number[]): string {
  return bytesToHex(childOf(xpub)(path).publicKey)
}

/** BIP-32 counts depth in one byte. */
const deepest = 255

/** Whether a counterparty's keys, `0/r` and `1/r`, can be derived from this text at all. */
export function isXpub(text: string): boolean {
  try {
    return accountOf(text).depth <= deepest - 2
  } catch (error) {
    if (error instanceof UserError) return false
    throw error
  }
}

type Child = (path: number[]) => TreeKey

/**
 * The accounts of counterparties last asked for, which is at every round of theirs: reading an xpub and stepping down
 * costs milliseconds. They are public, and follow from the xpub alone.
 */
const accounts = new Map<string, Child>()
const ACCOUNTS = 100
const KEYS = 8

function childOf(xpub: string): Child {
  const child = accounts.get(xpub) ?? remembering(treeKey(accountOf(xpub)))
  accounts.delete(xpub)
  accounts.set(xpub, child)
  const [oldest] = accounts.keys()
  if (accounts.size > ACCOUNTS && oldest !== undefined) accounts.delete(oldest)
  return child
}

/** Keys of one account, the last few and the branches they hang on kept: a round asks for the same ones several times. */
function remembering(account: TreeKey): Child {
  const known = new Map<string, TreeKey>()
  const child = (path: number[]): TreeKey => {
    const last = path.at(-1)
    if (last === undefined) return account
    const name = path.join('/')
    const key = known.get(name) ?? step(child(path.slice(0, -1)), last)
    known.delete(name)
    known.set(name, key)
    const [oldest] = known.keys()
    if (known.size > KEYS && oldest !== undefined) known.delete(oldest)
    return key
  }
  return child
}

function accountOf(xpub: string): HDKey {
  // An extended key is 111 or 112 characters. "xprv" is refused: nobody should ever send us one.
  if (!/^xpub[1-9A-HJ-NP-Za-km-z]{107,108}$/.test(xpub)) throw badXpub()
  try {
    return HDKey.fromExtendedKey(xpub)
  } catch (cause) {
    throw badXpub(cause)
  }
}

function step(from: TreeKey, index: number): TreeKey {
  if (!Number.isInteger(index) || index < 0 || index >= HARDENED_OFFSET)
    throw new RangeError(`not a non-hardened child: ${index}`)
  if (from.depth >= deepest) throw badXpub()
  return childKey(from, index)
}

const badXpub = (cause?: unknown) =>
  new UserError('identity/bad-xpub', {
    message: 'The other side sent a payment key that is not a valid extended public key (BIP-32 xpub).',
    fix: 'Nothing was paid. Deal with another counterparty, or ask this one to update its software.',
    where: 'payments',
    cause,
  })
