import type { Command } from 'commander'
import type { Cli } from '../../cli.ts'
import { addBackup } from './backup.ts'
import { addBalance } from './balance.ts'
import { addHistory } from './history.ts'
import { addRestore } from './restore.ts'
import { addTopup } from './topup.ts'
import { addWithdraw } from './withdraw.ts'

export function addWallet(gradstr: Command, cli: Cli): void {
  const wallet = gradstr
    .command('wallet')
    .description('sats: what there is, how it comes in and goes out, backup')
  for (const add of [addBalance, addTopup, addWithdraw, addHistory, addBackup, addRestore]) add(wallet, cli)
}
