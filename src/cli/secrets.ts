import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import {
  checkMnemonic,
  createVault,
  hasVault,
  type Keyring,
  newMnemonic,
  openKeyring,
  openVault,
  type Secrets,
} from '../core/identity/index.ts'
import { UserError } from '../shared/errors.ts'
import type { Home } from './home.ts'
import { newPassphrase, passphraseFor } from './passphrase.ts'
import type { Terminal } from './prompt.ts'

export interface SecretsSource {
  env: NodeJS.ProcessEnv
  terminal: Terminal
  /** Told when a new identity was made. */
  onNew?: () => void
}

/** The home's secrets; a first use makes them. A practice home's are worth nothing, and nobody is asked. */
export async function secretsOf(home: Home, { env, terminal, onNew }: SecretsSource): Promise<Secrets> {
  if (home.practice) return practiceSecrets(home)
  if (await hasVault(home.folder))
    return openVault(home.folder, await passphraseFor(home.folder, env, terminal))
  const secrets = { mnemonic: newMnemonic() }
  await createVault(home.folder, await newPassphrase(home.folder, env, terminal), secrets)
  onNew?.()
  return secrets
}

/**
 * Puts a mnemonic that the person brings into a home without secrets.
 * @throws UserError `identity/vault-exists`, `identity/bad-mnemonic`
 */
export async function bringSecrets(
  home: Home,
  mnemonic: string,
  { env, terminal }: SecretsSource,
): Promise<Secrets> {
  const secrets = { mnemonic: checkMnemonic(mnemonic) }
  if (await hasVault(home.folder))
    throw new UserError('identity/vault-exists', {
      message: 'This home has an identity already.',
      where: home.folder,
      fix: 'Use it without a recovery phrase, or choose a new folder with --home.',
    })
  await createVault(home.folder, await newPassphrase(home.folder, env, terminal), secrets)
  return secrets
}

export const keyringOf = ({ mnemonic, nsec }: Secrets): Keyring =>
  openKeyring(mnemonic, nsec === undefined ? {} : { nsec })

/** In plain, and said so: it guards play money only, and has to survive a crash in the middle of a job. */
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
