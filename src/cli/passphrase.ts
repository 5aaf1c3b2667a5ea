import { UserError } from '../shared/errors.ts'
import { askHidden, type Terminal } from './prompt.ts'

const VARIABLE = 'GRADSTR_PASSPHRASE'

/** The passphrase of a vault that exists: from the environment, else asked for. */
export async function passphraseFor(
  folder: string,
  env: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<string> {
  const given = env[VARIABLE]
  if (given !== undefined && given !== '') return given
  requireTerminal(
    terminal,
    'The secrets of this home are encrypted, and nobody can type the passphrase here.',
    folder,
  )
  return askHidden(`Passphrase of ${folder}: `, terminal)
}

/** A new passphrase: from the environment, else asked for twice. */
export async function newPassphrase(
  folder: string,
  env: NodeJS.ProcessEnv,
  terminal: Terminal,
): Promise<string> {
  const given = env[VARIABLE]
  if (given !== undefined && given !== '') return given
  requireTerminal(
    terminal,
    'A new home needs a passphrase for its secrets, and nobody can type one here.',
    folder,
  )
  terminal.stderr.write(
    'This home is new. A passphrase protects its keys and its money on this disk; it cannot be recovered.\n',
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
