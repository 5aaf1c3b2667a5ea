import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import {
  checkMnemonic,
  createVault,
  hasVault,
  type Keyring,
  keychainEntryOf,
  newMnemonic,
  openKeyring,
  openVault,
  type Secrets,
} from '../core/identity/index.ts'
import { UserError } from '../shared/errors.ts'
import type { Call } from './cli.ts'
import { type Home, makeHome } from './home.ts'
import { systemKeychain } from './keychain.ts'
import { newPassphrase, type PassphraseSources, passphraseFor } from './passphrase.ts'

export interface PreparedSecrets {
  /** Writes those that are new into the home. */
  keep(): Promise<Secrets>
}

type Source = Pick<Call, 'cli' | 'terminal' | 'report'>

const sourcesOf = ({ cli: { env }, terminal }: Pick<Call, 'cli' | 'terminal'>): PassphraseSources => ({
  env,
  terminal,
  keychain: systemKeychain({ env, terminal }),
})

/**
 * The secrets of a home that has some.
 * @throws UserError `identity/wrong-passphrase`, `identity/no-passphrase`, `identity/no-keychain`, `identity/no-vault`,
 *   `identity/vault-damaged`
 */
export async function openSecrets(call: Pick<Call, 'cli' | 'terminal'>, { folder }: Home): Promise<Secrets> {
  const entry = await keychainEntryOf(folder)
  return openVault(folder, await passphraseFor(folder, entry, sourcesOf(call)))
}

/**
 * The home's secrets, once their passphrase is known; a first use makes new ones, or takes the recovery phrase that the
 * person brings. A practice home's are worth nothing, and nobody is asked.
 * @throws UserError `identity/wrong-passphrase`, `identity/no-passphrase`, `identity/no-keychain`,
 *   `identity/bad-mnemonic`, `identity/vault-exists` when a phrase is brought to a home that has one
 */
export async function prepareSecrets(
  call: Source,
  { home, mnemonic }: { home: Home; mnemonic?: string },
): Promise<PreparedSecrets> {
  if (home.practice) return { keep: async () => practiceSecrets(home) }
  if (await hasVault(home.folder)) {
    if (mnemonic !== undefined) throw hasIdentity(home)
    const secrets = await openSecrets(call, home)
    return { keep: async () => secrets }
  }
  const secrets = { mnemonic: mnemonic === undefined ? newMnemonic() : checkMnemonic(mnemonic) }
  const passphrase = await newPassphrase(home.folder, sourcesOf(call))
  return {
    async keep() {
      makeHome(home)
      await createVault(home.folder, passphrase.text, secrets, passphrase.keychain)
      if (mnemonic === undefined)
        call.report.note(
          `A new identity was made in ${home.folder}.`,
          passphrase.keychain === undefined
            ? 'Its keys are encrypted with your passphrase.'
            : 'Its keys are encrypted; this system’s keychain opens them.',
          'Write its recovery phrase down: `gradstr wallet backup` shows it.',
        )
      return secrets
    },
  }
}

const hasIdentity = (home: Home): UserError =>
  new UserError('identity/vault-exists', {
    message: 'This home has an identity already; a recovery phrase cannot replace it.',
    where: home.folder,
    fix: 'Run the command without a recovery phrase, or choose a new folder with --home.',
  })

export const keyringOf = ({ mnemonic, nsec }: Secrets): Keyring =>
  openKeyring(mnemonic, nsec === undefined ? {} : { nsec })

/** In plain, and said so: they guard play money only, and have to survive a crash in the middle of a job. */
function practiceSecrets(home: Home): Secrets {
  const path = join(home.folder, 'practice-keys.json')
  const schema = z.object({ mnemonic: z.string() })
  try {
    return { mnemonic: checkMnemonic(schema.parse(JSON.parse(readFileSync(path, 'utf8'))).mnemonic) }
  } catch {
    // None yet, or damaged: a new one serves as well.
    const mnemonic = newMnemonic()
    const warning = 'Throw-away keys of the practice network. Never send real money here.'
    writeFileSync(path, `${JSON.stringify({ warning, mnemonic }, null, 2)}\n`, { mode: 0o600 })
    return { mnemonic }
  }
}
