import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { describe, expect, it } from 'vitest'
import { encryptFile, manifest, type Sealed } from '../blobs/index.ts'
import { keyPair, openKeyring, paymentPubkey } from '../identity/index.ts'
import { type NostrEvent, readEvent, unwrapSigned, workOf } from '../nostr/index.ts'
import { wire } from './wire.ts'

interface Child {
  path: string
  secret: string
  pubkey: string
}
interface Keys {
  customer: Person & { job: Named }
  provider: Person & { engagement: Named }
  lock: {
    round: number
    provider: string
    customer: string
    refund: string
    locktime: number
    secret: string
  }
}
interface Named {
  name: string
}
interface Person {
  mnemonic: string
  seed: string
  identity: { secret: string; pubkey: string }
  payments: Named & { xpub: string; children: Child[] }
}
interface Blob {
  plaintext: string
  chunkSize: number
  sealed: Sealed
  stored: string[]
}

/** docs/vectors is part of the standard: another implementation reads the same files. */
const vectors = <T>(name: string): T =>
  JSON.parse(readFileSync(new URL(`../../../docs/vectors/${name}.json`, import.meta.url), 'utf8'))

describe('keys.json', () => {
  const { customer, provider, lock } = vectors<Keys>('keys')
  const [C, P] = [openKeyring(customer.mnemonic), openKeyring(provider.mnemonic)]
  const hexOf = ({ secret, pubkey }: { secret: Uint8Array; pubkey: string }) => ({
    secret: bytesToHex(secret),
    pubkey,
  })

  it('has the seeds, identities and session keys of both sides', () => {
    expect([bytesToHex(C.walletSeed), bytesToHex(P.walletSeed)]).toEqual([customer.seed, provider.seed])
    expect(customer.identity).toMatchObject(hexOf(C.identity))
    expect(provider.identity).toMatchObject(hexOf(P.identity))
    expect(customer.job).toMatchObject(hexOf(C.job(customer.job.name)))
    expect(provider.engagement).toMatchObject(hexOf(P.engagement(provider.engagement.name)))
  })

  it('has the payment accounts, and what each side derives of the other’s', () => {
    for (const [keyring, { payments }] of [
      [C, customer],
      [P, provider],
    ] as const) {
      const account = keyring.payments(payments.name)
      expect(account.xpub).toBe(payments.xpub)
      for (const { path, secret, pubkey } of payments.children) {
        const steps = path.split('/').map(Number)
        expect(hexOf(account.key(...steps))).toEqual({ secret, pubkey })
        expect(paymentPubkey(payments.xpub, ...steps)).toBe(pubkey)
      }
    }
  })

  it('locks to the keys that the award and the bid name', () => {
    const [kind, { data, tags }] = JSON.parse(lock.secret)
    const tag = (name: string) => tags.find(([n]: string[]) => n === name).slice(1)
    expect(kind).toBe('P2PK')
    expect([data, ...tag('pubkeys')].sort()).toEqual([lock.customer, lock.provider].sort())
    expect([tag('n_sigs'), tag('refund'), tag('locktime')]).toEqual([
      ['2'],
      [lock.refund],
      [String(lock.locktime)],
    ])
    expect([lock.provider, lock.customer, lock.refund]).toEqual([
      paymentPubkey(provider.payments.xpub, 0, lock.round),
      paymentPubkey(customer.payments.xpub, 0, lock.round),
      paymentPubkey(customer.payments.xpub, 1, lock.round),
    ])
  })
})

describe('events.json', () => {
  interface Vector {
    name: keyof typeof wire
    kind: number
    layer: string
    content: object
    event: NostrEvent
    wrap: NostrEvent
    from: string
    to: string
    work?: number
  }
  const { events } = vectors<{ events: Vector[] }>('events')

  it('has one event of every kind', () => {
    expect(events.map(e => [e.name, e.kind, e.layer]).sort()).toEqual(
      Object.entries(wire)
        .map(([name, codec]) => [name, codec.kind, codec.layer])
        .sort(),
    )
  })

  it.each(events)('reads the $name as its content says', ({ name, content, event, wrap, from, to, work }) => {
    const codec = wire[name]
    const key = (secret: string) => keyPair(hexToBytes(secret))
    const received = readEvent(event)
    if (codec.layer === 'public') expect(codec.parse(received)).toEqual(content)
    else if (codec.layer === 'handshake') {
      const inner = unwrapSigned(readEvent(wrap), hexToBytes(to))
      expect(inner).toEqual(event)
      expect(codec.parse(inner, { to: key(to).pubkey })).toEqual(content)
      expect(workOf(inner)).toBe(work)
    } else {
      for (const me of [key(to), key(from)])
        expect(codec.open(received, { me, from: key(from).pubkey, to: key(to).pubkey })).toEqual(content)
    }
  })
})

describe('refused.json', () => {
  const { refused }: { refused: { name: keyof typeof wire; why: string; field: string; content: object }[] } =
    vectors('refused')

  it.each(refused)('refuses, in $name: $why', ({ name, field, content }) => {
    const result = wire[name].schema.safeParse(content)
    expect(result.error?.issues[0]?.path.join('.')).toBe(field)
  })
})

describe('blob.json', () => {
  const { plaintext, chunkSize, sealed, stored } = vectors<Blob>('blob')

  it('is what encryption makes of the plaintext, chunk by chunk', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'gradstr-vectors-'))
    try {
      writeFileSync(join(folder, 'plain'), Buffer.from(plaintext, 'hex'))
      const { key, type } = sealed
      const made = await encryptFile(join(folder, 'plain'), join(folder, 'out'), { key, type, chunkSize })
      expect(made).toEqual(sealed)
      const files = made.chunks.map(({ sha256 }) => readFileSync(join(folder, 'out', sha256)).toString('hex'))
      expect(files).toEqual(stored)
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
    expect(manifest.parse({ ...sealed, servers: ['https://blobs.example.org'] }).chunks).toHaveLength(
      stored.length,
    )
  })
})
