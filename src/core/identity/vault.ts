import { randomBytes, scrypt } from 'node:crypto'
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { xchacha20poly1305 } from '@noble/ciphers/chacha.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import * as nip19 from 'nostr-tools/nip19'
import { decrypt as decryptNsec, encrypt as encryptNsec } from 'nostr-tools/nip49'
import { z } from 'zod'
import { UserError } from '../../shared/errors.ts'
import { pairOfNsec } from './keyring.ts'
import { checkMnemonic } from './mnemonic.ts'

/** What must never lie in a database, a log or a plain file. */
export interface Secrets {
  mnemonic: string
  /** An imported identity; without it the mnemonic's own (NIP-06) is used. */
  nsec?: string
}

const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`))
const vaultFile = z.object({
  v: z.literal(1),
  // Upper bound: a forged file must not make us spend gigabytes in scrypt.
  scrypt: z.object({ logN: z.int().min(10).max(20), salt: hex(16) }),
  mnemonic: z.object({ nonce: hex(24), ciphertext: z.string().regex(/^[0-9a-f]{32,2000}$/) }),
  nsec: z.string().max(500).optional(),
  keychain: z.string().max(100).optional(),
})

const LOG_N = 16
const fileIn = (home: string) => join(home, 'secrets.json')

export async function hasVault(home: string): Promise<boolean> {
  return (await textOf(home)) !== undefined
}

/**
 * The name under which the system's keychain keeps this vault's passphrase; undefined when a person does.
 * @throws UserError `identity/vault-damaged`
 */
export async function keychainEntryOf(home: string): Promise<string | undefined> {
  const text = await textOf(home)
  return text === undefined ? undefined : parse(text, fileIn(home)).keychain
}

/**
 * Writes `<home>/secrets.json` (mode 0600, whole or not at all): the mnemonic under scrypt and
 * XChaCha20-Poly1305, an imported nsec as NIP-49 ncryptsec. A vault that exists is never overwritten.
 * @param keychain  the entry of the system's keychain that has the passphrase, if one has
 * @throws UserError `identity/vault-exists`, `identity/empty-passphrase`, `identity/bad-mnemonic`, `identity/bad-nsec`
 */
export async function createVault(
  home: string,
  passphrase: string,
  secrets: Secrets,
  keychain?: string,
): Promise<void> {
  if (passphrase === '')
    throw new UserError('identity/empty-passphrase', {
      message: 'The passphrase is empty.',
      fix: 'Choose one: it protects your identity and your money on this disk. Set GRADSTR_PASSPHRASE where nobody can type it.',
    })
  if (await hasVault(home))
    throw new UserError('identity/vault-exists', {
      message: 'There is an identity in this home already.',
      fix: 'Use it, or choose another folder with --home. Move the file away only if its recovery phrase is backed up.',
      where: fileIn(home),
    })
  const salt = randomBytes(16)
  const nonce = randomBytes(24)
  const key = await keyFrom(passphrase, salt, LOG_N)
  const ciphertext = xchacha20poly1305(key, nonce).encrypt(utf8ToBytes(checkMnemonic(secrets.mnemonic)))
  const file: z.infer<typeof vaultFile> = {
    v: 1,
    scrypt: { logN: LOG_N, salt: bytesToHex(salt) },
    mnemonic: { nonce: bytesToHex(nonce), ciphertext: bytesToHex(ciphertext) },
  }
  if (secrets.nsec !== undefined)
    file.nsec = encryptNsec(pairOfNsec(secrets.nsec).secret, passphrase.normalize('NFKC'), LOG_N)
  if (keychain !== undefined) file.keychain = keychain
  await mkdir(home, { recursive: true, mode: 0o700 })
  await writeWhole(fileIn(home), `${JSON.stringify(file, null, 2)}\n`)
}

/** @throws UserError `identity/no-vault`, `identity/vault-damaged`, `identity/wrong-passphrase` */
export async function openVault(home: string, passphrase: string): Promise<Secrets> {
  const text = await textOf(home)
  if (text === undefined)
    throw new UserError('identity/no-vault', {
      message: 'There is no identity in this home yet.',
      fix: 'Start with `gradstr train` or `gradstr provide`, or bring one back with `gradstr recover`.',
      where: fileIn(home),
    })
  const file = parse(text, fileIn(home))
  const key = await keyFrom(passphrase, hexToBytes(file.scrypt.salt), file.scrypt.logN)
  try {
    const plain = xchacha20poly1305(key, hexToBytes(file.mnemonic.nonce)).decrypt(
      hexToBytes(file.mnemonic.ciphertext),
    )
    const secrets: Secrets = { mnemonic: new TextDecoder().decode(plain) }
    if (file.nsec !== undefined)
      secrets.nsec = nip19.nsecEncode(decryptNsec(file.nsec, passphrase.normalize('NFKC')))
    return secrets
  } catch {
    throw new UserError('identity/wrong-passphrase', {
      message: 'The passphrase does not open this identity.',
      fix: 'Try again (GRADSTR_PASSPHRASE, or the prompt). If it is lost, only the recovery phrase brings the identity back.',
      where: fileIn(home),
    })
  }
}

function parse(text: string, where: string): z.infer<typeof vaultFile> {
  try {
    return vaultFile.parse(JSON.parse(text))
  } catch (cause) {
    throw new UserError('identity/vault-damaged', {
      message: 'The file with your encrypted identity is damaged or was written by a newer Gradstr.',
      fix: 'Restore it from a copy, or bring the identity back from its recovery phrase with `gradstr recover`.',
      where,
      cause,
    })
  }
}

async function textOf(home: string): Promise<string | undefined> {
  try {
    return await readFile(fileIn(home), 'utf8')
  } catch (error) {
    // A missing file is an answer; anything else (no permission, a broken disk) is not ours to interpret.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

const keyFrom = (passphrase: string, salt: Uint8Array, logN: number): Promise<Uint8Array> =>
  new Promise((resolve, reject) => {
    const cost = { N: 2 ** logN, r: 8, p: 1, maxmem: 2 ** logN * 1024 + 2 ** 20 }
    scrypt(passphrase.normalize('NFKC'), salt, 32, cost, (error, key) =>
      error ? reject(error) : resolve(new Uint8Array(key)),
    )
  })

async function writeWhole(path: string, text: string): Promise<void> {
  const draft = `${path}.${bytesToHex(randomBytes(4))}.tmp`
  try {
    const handle = await open(draft, 'wx', 0o600)
    try {
      await handle.writeFile(text)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(draft, path)
  } catch (error) {
    await rm(draft, { force: true })
    throw error
  }
}
