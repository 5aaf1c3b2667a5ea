import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import type { Backup } from '../../../core/payments/index.ts'
import { UserError } from '../../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../../cli.ts'
import { counted, satsText } from '../../format.ts'
import { liveHome } from '../../home.ts'
import { orStopped } from '../../interrupt.ts'
import { askMnemonic } from '../../mnemonic.ts'

const help = `
In a new --home the recovery phrase is asked for (or read from stdin where
nobody can type). In a home that has one, its own is used: sats that its
database does not know are found at the mints again.`

export function addRestore(wallet: Command, cli: Cli): void {
  wallet
    .command('restore')
    .description('bring sats back from the mints with the recovery phrase')
    .option('--from <file>', 'a file that `gradstr wallet backup --out` wrote')
    .addHelpText('after', help)
    .action(async (options: { from?: string }, command: Command) =>
      restore(await callOf(cli, command), options.from),
    )
}

async function restore(call: Call, from: string | undefined): Promise<void> {
  const { report } = call
  const [{ openSafe }, { requireNetwork }, { hasVault }] = await Promise.all([
    import('../../compose.ts'),
    import('../../network.ts'),
    import('../../../core/identity/index.ts'),
  ])
  const home = liveHome(call.folder)
  const backup = from === undefined ? undefined : await readBackup(resolve(call.cli.cwd, from))
  const isNew = !(await hasVault(home.folder))
  if (isNew) requireNetwork(call.network, ['mints'])
  const mnemonic = isNew ? await askMnemonic(call) : undefined
  const safe = await openSafe(call, {
    home,
    command: 'gradstr wallet restore',
    ...(mnemonic === undefined ? {} : { mnemonic }),
  })
  try {
    requireNetwork(safe.network, ['mints'])
    const { mints } = safe.network
    report.say(`Asking ${counted(mints.length, 'mint')} for what belongs to this phrase …`)
    const { found, locks } = await orStopped(
      call.signal,
      safe.wallet.restore({ mints, ...(backup === undefined ? {} : { backup }) }),
    )
    await safe.wallet.settle()
    const { available, locked } = safe.wallet.balance()
    report.say(
      `Found ${satsText(found)}${locks > 0 ? ` and ${counted(locks, 'lock')} of the backup` : ''}.`,
      `Available: ${satsText(available)}, locked: ${satsText(locked)}.`,
    )
    report.result({ found, locks, available, locked, mints })
  } finally {
    await safe.close()
  }
}

/** Read before anything is asked or made. @throws UserError `wallet/bad-backup` that names the file */
async function readBackup(path: string): Promise<Backup> {
  const { parseBackup } = await import('../../../core/payments/index.ts')
  try {
    return parseBackup(JSON.parse(readFileSync(path, 'utf8')))
  } catch (cause) {
    if (!(cause instanceof SyntaxError || cause instanceof UserError)) throw cause
    throw new UserError('wallet/bad-backup', {
      message:
        cause instanceof UserError ? cause.message : 'This is no backup of a Gradstr wallet: it is not JSON.',
      where: path,
      fix: 'Give the file that `gradstr wallet backup --out` wrote. Without --from the phrase alone brings back what is not locked.',
    })
  }
}
