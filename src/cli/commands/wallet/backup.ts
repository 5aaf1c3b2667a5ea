import { writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Call, type Cli, callOf } from '../../cli.ts'
import { counted } from '../../format.ts'
import { liveHome } from '../../home.ts'

const help = `
The recovery phrase brings back the identity and, from the mints, every sat that
is not locked. It cannot bring back sats that are locked for rounds under way:
--out writes those to a file (it is money: keep it as safe as the phrase).`

export function addBackup(wallet: Command, cli: Cli): void {
  wallet
    .command('backup')
    .description('show the recovery phrase; write what it cannot restore to a file')
    .option('--out <file>', 'a new file for open locks and unfinished payments')
    .addHelpText('after', help)
    .action(async (options: { out?: string }, command: Command) =>
      backup(await callOf(cli, command), options.out),
    )
}

async function backup(call: Call, out: string | undefined): Promise<void> {
  const { report, cli } = call
  const { openBackup } = await import('../../backup.ts')
  const { mnemonic, content } = await openBackup(call, liveHome(call.folder))
  const path = out === undefined ? undefined : resolve(cli.cwd, out)
  // Never over a file that is there: it may be the only copy of another backup.
  if (path !== undefined) writeFileSync(path, `${JSON.stringify(content)}\n`, { mode: 0o600, flag: 'wx' })
  const open = content.locks.length + content.operations.length
  report.note('Whoever reads these words has your money and your identity. Write them on paper.')
  report.say('', ...words(mnemonic), '', openText(open, path))
  report.result({
    mnemonic,
    locks: content.locks.length,
    operations: content.operations.length,
    file: path ?? null,
  })
}

/** Numbered, in rows of four, as they are copied. */
const words = (mnemonic: string): string[] => {
  const cells = mnemonic.split(' ').map((word, i) => `${String(i + 1).padStart(2)}. ${word.padEnd(10)}`)
  return Array.from({ length: Math.ceil(cells.length / 4) }, (_, row) =>
    `  ${cells.slice(row * 4, row * 4 + 4).join('')}`.trimEnd(),
  )
}

function openText(open: number, path: string | undefined): string {
  if (path !== undefined)
    return `${counted(open, 'open lock or payment', 'open locks and payments')} written to ${path}.`
  if (open === 0) return 'Nothing is locked now: the words restore everything.'
  return `The words do not restore ${counted(open, 'open lock or payment', 'open locks and payments')}: add --out FILE.`
}
