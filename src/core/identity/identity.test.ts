import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytesToHex } from '@noble/hashes/utils.js'
import { HDKey } from '@scure/bip32'
import fc from 'fast-check'
import { nsecEncode } from 'nostr-tools/nip19'
import { finalizeEvent } from 'nostr-tools/pure'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  checkMnemonic,
  createVault,
  hasVault,
  newMnemonic,
  openKeyring,
  openVault,
  paymentPubkey,
} from './index.ts'
import { pairOfNsec } from './keyring.ts'

const MNEMONIC = 'leader monkey parrot ring guide accident before fence cannon height naive bean'

describe('a mnemonic', () => {
  it('is new each time, and valid', () => {
    const [a, b] = [newMnemonic(), newMnemonic()]
    expect(a).not.toBe(b)
    expect(checkMnemonic(a)).toBe(a)
  })

  it('is read however it was typed', () => {
    expect(checkMnemonic(`  ${MNEMONIC.toUpperCase().replaceAll(' ', '\n\t ')} \n`)).toBe(MNEMONIC)
  })

  it.each([
    ['', /this text has 0/],
    [MNEMONIC.replace(' bean', ''), /this text has 11/],
    [MNEMONIC.replace('parrot', 'parrrot'), /word number 3/],
    [MNEMONIC.replace('leader monkey', 'monkey leader'), /checksum/],
    ['x'.repeat(10_000), /12 to 24 words/],
  ])('refuses %j, saying where it is wrong', (text, message) => {
    expect(() => checkMnemonic(text)).toThrow(message)
    expect(() => openKeyring(text)).toThrow(expect.objectContaining({ code: 'identity/bad-mnemonic' }))
  })

  it('is never quoted in a refusal', () => {
    const typo = MNEMONIC.replace('naive', 'naivve')
    try {
      checkMnemonic(typo)
      expect.unreachable()
    } catch (error) {
      for (const word of typo.split(' ')) expect(String(error)).not.toMatch(new RegExp(`\\b${word}\\b`))
    }
  })
})

describe('a keyring', () => {
  it("has NIP-06's identity", () => {
    const { identity } = openKeyring(MNEMONIC)
    expect(bytesToHex(identity.secret)).toBe(
      '7f7ff03d123792d6ac594bfa67bf6d0c0ab55b6b1fdb6249303fe861f1ccba9a',
    )
    expect(identity.pubkey).toBe('17162c921dc4d2518f9a101db33695df1afb56ab82f5ff3e5da6eec3ca5cd917')
  })

  it('gives the same keys again, and different ones for every job, bid and purpose', () => {
    const [a, b] = [openKeyring(MNEMONIC), openKeyring(MNEMONIC)]
    expect(a.job('x')).toEqual(b.job('x'))
    const keys = [a.identity, a.job('x'), a.job('y'), a.engagement('x'), a.engagement('y'), a.job('')]
    expect(new Set(keys.map(key => key.pubkey)).size).toBe(keys.length)
  })

  it('takes an imported key as identity, and leaves everything else to the mnemonic', () => {
    const nsec = nsecEncode(openKeyring(newMnemonic()).identity.secret)
    const [own, imported] = [openKeyring(MNEMONIC), openKeyring(MNEMONIC, { nsec: ` ${nsec}\n` })]
    expect(imported.identity).toEqual(pairOfNsec(nsec))
    expect(imported.identity.pubkey).not.toBe(own.identity.pubkey)
    expect(imported.job('x')).toEqual(own.job('x'))
    expect(imported.walletSeed).toEqual(own.walletSeed)
  })

  it.each(['', 'nsec1', 'npub1qqqqqq', nsecEncode(new Uint8Array(32)), 'x'.repeat(9999)])(
    'refuses the nsec %j',
    nsec => {
      expect(() => openKeyring(MNEMONIC, { nsec })).toThrow(
        expect.objectContaining({ code: 'identity/bad-nsec' }),
      )
    },
  )

  it('signs events that verify', () => {
    const { secret, pubkey } = openKeyring(MNEMONIC).job('x')
    expect(finalizeEvent({ kind: 1, created_at: 0, tags: [], content: '' }, secret).pubkey).toBe(pubkey)
  })
})

describe('payment keys', () => {
  const account = openKeyring(MNEMONIC).payments('bid-1')

  it('are derived alike from the account and from its xpub', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 31 - 1), { maxLength: 3 }), path => {
        expect(paymentPubkey(account.xpub, ...path)).toBe(account.key(...path).pubkey)
      }),
      { numRuns: 20 },
    )
  })

  it('differ by round, by use and by scope', () => {
    const other = openKeyring(MNEMONIC).payments('bid-2')
    const keys = [account.key(0, 1), account.key(0, 2), account.key(1, 1), other.key(0, 1)].map(k => k.pubkey)
    expect(new Set(keys).size).toBe(4)
    for (const key of keys) expect(key).toMatch(/^0[23][0-9a-f]{64}$/)
  })

  it('refuses what is no non-hardened path', () => {
    for (const index of [-1, 2 ** 31, 0.5, Number.NaN])
      expect(() => paymentPubkey(account.xpub, index)).toThrow(RangeError)
  })

  it('refuses hostile xpubs with a clear error', () => {
    const bad = expect.objectContaining({ code: 'identity/bad-xpub' })
    const xprv = HDKey.fromMasterSeed(new Uint8Array(32)).privateExtendedKey
    const publicKey = HDKey.fromMasterSeed(new Uint8Array(32)).publicKey
    const deepest = new HDKey({ publicKey: publicKey!, chainCode: new Uint8Array(32), depth: 255, index: 1 })
    for (const xpub of [
      '',
      'xpub',
      xprv,
      account.xpub.replace(/.$/, 'x'),
      `${account.xpub}1`,
      'xpub'.padEnd(111, '1'),
      deepest.publicExtendedKey,
    ])
      expect(() => paymentPubkey(xpub, 0, 1), xpub).toThrow(bad)
    fc.assert(
      fc.property(fc.string({ maxLength: 200 }), fc.nat(110), (noise, at) => {
        const mutated = account.xpub.slice(0, at) + noise + account.xpub.slice(at + 1)
        if (mutated === account.xpub) return
        expect(() => paymentPubkey(mutated, 0)).toThrow(bad)
      }),
    )
  })
})

describe('the vault', () => {
  let home: string
  beforeEach(() => {
    home = mkdtempSync(join(tmpdir(), 'gradstr-vault-'))
  })
  afterEach(() => rmSync(home, { recursive: true, force: true }))
  const path = () => join(home, 'secrets.json')

  it('gives back mnemonic and nsec, from a file that shows neither and that only the owner reads', async () => {
    const nsec = nsecEncode(openKeyring(newMnemonic()).identity.secret)
    expect(await hasVault(home)).toBe(false)
    await createVault(home, 'pâss wörd', { mnemonic: MNEMONIC, nsec })
    expect(await hasVault(home)).toBe(true)
    expect(await openVault(home, 'pâss wörd'.normalize('NFD'))).toEqual({ mnemonic: MNEMONIC, nsec })
    const text = readFileSync(path(), 'utf8')
    expect(text).toContain('ncryptsec1')
    for (const secret of [nsec, ...MNEMONIC.split(' ')]) expect(text).not.toContain(secret)
    expect(statSync(path()).mode & 0o777).toBe(0o600)
    expect(readdirSync(home)).toEqual(['secrets.json'])
  })

  it('stays shut for another passphrase, and is never overwritten', async () => {
    await createVault(home, 'right', { mnemonic: MNEMONIC })
    await expect(openVault(home, 'wrong')).rejects.toMatchObject({ code: 'identity/wrong-passphrase' })
    await expect(createVault(home, 'x', { mnemonic: newMnemonic() })).rejects.toMatchObject({
      code: 'identity/vault-exists',
    })
    expect(await openVault(home, 'right')).toEqual({ mnemonic: MNEMONIC })
  })

  it('refuses an empty passphrase and a bad mnemonic, leaving nothing behind', async () => {
    await expect(createVault(home, '', { mnemonic: MNEMONIC })).rejects.toMatchObject({
      code: 'identity/empty-passphrase',
    })
    await expect(createVault(home, 'x', { mnemonic: 'no' })).rejects.toMatchObject({
      code: 'identity/bad-mnemonic',
    })
    await expect(createVault(home, 'x', { mnemonic: MNEMONIC, nsec: 'no' })).rejects.toMatchObject({
      code: 'identity/bad-nsec',
    })
    expect(readdirSync(home)).toEqual([])
    await expect(openVault(home, 'x')).rejects.toMatchObject({ code: 'identity/no-vault' })
  })

  it('says that a file is damaged, and spends no gigabytes on a forged one', async () => {
    await createVault(home, 'x', { mnemonic: MNEMONIC })
    const good = JSON.parse(readFileSync(path(), 'utf8'))
    for (const bad of [
      '',
      '{',
      'null',
      JSON.stringify({ ...good, v: 2 }),
      JSON.stringify({ ...good, scrypt: { ...good.scrypt, logN: 40 } }),
    ]) {
      writeFileSync(path(), bad)
      await expect(openVault(home, 'x')).rejects.toMatchObject({ code: 'identity/vault-damaged' })
    }
    const flipped = good.mnemonic.ciphertext.replace(/^./, (c: string) => (c === '0' ? '1' : '0'))
    writeFileSync(path(), JSON.stringify({ ...good, mnemonic: { ...good.mnemonic, ciphertext: flipped } }))
    await expect(openVault(home, 'x')).rejects.toMatchObject({ code: 'identity/wrong-passphrase' })
  })
})
