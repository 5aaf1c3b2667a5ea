import { randomBytes, randomUUID } from 'node:crypto'
import { UserError } from '../shared/errors.ts'
import type { Keychain } from './keychain.ts'
import { askHidden, type Terminal } from './prompt.ts'

const VARIABLE = 'GRADSTR_PASSPHRASE'

/** Where a passphrase can come from: the environment, the system's keychain, the person; in this order. */
export interface PassphraseSources {
  env: NodeJS.ProcessEnv
  keychain: Keychain
  terminal: Terminal
}

/** A new vault's passphrase; `keychain` names the entry that has it, where nobody needs to know it. */
interface NewPassphrase {
  text: string
  keychain?: string
}

/**
 * The passphrase of a vault that exists. What the environment says goes before the keychain: whoever sets it means it.
 * @param entry  the keychain's, if the vault was made with one
 * @throws UserError `identity/no-keychain`, `identity/no-passphrase`
 */
export async function passphraseFor(
  folder: string,
  entry: string | undefined,
  { env, keychain, terminal }: PassphraseSources,
): Promise<string> {
  const given = env[VARIABLE]
  if (given !== undefined && given !== '') return given
  if (entry !== undefined) return kept(folder, entry, keychain)
  requireTerminal(
    terminal,
    'The secrets of this home are encrypted, and nobody can type the passphrase here.',
    folder,
  )
  return askHidden(`Passphrase of ${folder}: `, terminal)
}

async function kept(folder: string, entry: string, keychain: Keychain): Promise<string> {
  const lost = (why: string): UserError =>
    new UserError('identity/no-keychain', {
      message: `The passphrase of this home is in the system’s keychain, and cannot be had from there. ${why}`,
      where: folder,
      fix: 'Run the command in the desktop session of the user who made this home, with the keychain unlocked. If it is gone, the recovery phrase brings identity and sats back: `gradstr wallet restore`, `gradstr recover`.',
    })
  const found = await keychain.get(entry).catch(error => {
    throw error instanceof UserError ? lost(error.message) : error
  })
  if (found === undefined) throw lost('It has no such entry (any more).')
  return found
}

/**
 * A new passphrase: from the environment; else a random one that the system's keychain keeps; else, where no keychain
 * can be reached, the person's, asked for twice.
 * @throws UserError `identity/no-passphrase`, `identity/passphrases-differ`
 */
export async function newPassphrase(
  folder: string,
  { env, keychain, terminal }: PassphraseSources,
): Promise<NewPassphrase> {
  const given = env[VARIABLE]
  if (given !== undefined && given !== '') return { text: given }
  const made = { text: randomBytes(32).toString('base64url'), keychain: randomUUID() }
  try {
    await keychain.set(made.keychain, made.text)
    return made
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    return { text: await askedTwice(folder, error.message, terminal) }
  }
}

async function askedTwice(folder: string, noKeychain: string, terminal: Terminal): Promise<string> {
  requireTerminal(
    terminal,
    `A new home needs a passphrase for its secrets. Nobody can type one here, and the system’s keychain does not serve. ${noKeychain}`,
    folder,
  )
  terminal.stderr.write(
    `This home is new. The system’s keychain does not serve: ${noKeychain}\nA passphrase protects the home’s keys and its money on this disk; it cannot be recovered.\n`,
  )
  const first = await askHidden('New passphrase: ', terminal)
  const again = await askHidden('The same again: ', terminal)
  if (first === again) return first
  throw new UserError('identity/passphrases-differ', {
    message: 'The two passphrases are not the same.',
    fix: 'Run the command again; nothing was made.',
  })
}

function requireTerminal(terminal: Terminal, message: string, where: string): void {
  if (terminal.stdin.isTTY && terminal.stderr.isTTY) return
  throw new UserError('identity/no-passphrase', {
    message,
    where,
    fix: `Set the environment variable ${VARIABLE}, or run the command in a terminal.`,
  })
}
