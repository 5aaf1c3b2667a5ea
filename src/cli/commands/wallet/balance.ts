import type { Command } from 'commander'
import type { Accounts, Balance } from '../../../core/payments/index.ts'
import { type Call, type Cli, callOf } from '../../cli.ts'
import { count, type Paint } from '../../format.ts'
import { liveHome } from '../../home.ts'
import { table } from '../../table.ts'

export function addBalance(wallet: Command, cli: Cli): void {
  wallet
    .command('balance')
    .description('what there is, at each mint, and what is on its way')
    .option('--refresh', 'ask the mints first and finish what is under way (needs the passphrase)')
    .action(async (options: { refresh?: true }, command: Command) =>
      balance(await callOf(cli, command), options.refresh === true),
    )
}

async function balance(call: Call, refresh: boolean): Promise<void> {
  const { report } = call
  const found = refresh ? await refreshed(call) : await stored(call)
  report.say(...balanceLines(found, report.paint))
  report.result(found)
}

async function stored(call: Call): Promise<Balance> {
  const { openBooks } = await import('../../books.ts')
  const books = await openBooks(liveHome(call.folder))
  try {
    return books.balance()
  } finally {
    books.close()
  }
}

async function refreshed(call: Call): Promise<Balance> {
  const { openSafe } = await import('../../compose.ts')
  const safe = await openSafe(call, { home: liveHome(call.folder), command: 'gradstr wallet balance' })
  try {
    await safe.wallet.settle()
    return safe.wallet.balance()
  } finally {
    await safe.close()
  }
}

const held: [keyof Accounts, string, string][] = [
  ['available', 'Available', 'to spend or withdraw'],
  ['locked', 'Locked', 'for rounds under way; paid or comes back'],
  ['released', 'Released', 'signed to providers, not yet redeemed by them'],
  ['pendingIn', 'Coming in', 'paid by Lightning, not yet issued by the mint'],
  ['pendingOut', 'Going out', 'in payments under way; change comes back'],
]
const flows: [keyof Accounts, string, string][] = [
  ['paid', 'Paid', 'to providers, so far'],
  ['earned', 'Earned', 'from customers, so far'],
  ['fees', 'Fees', 'to mints and Lightning, so far'],
]

/** Every account that holds something, and always what is available; with several mints, each mint. */
function balanceLines(balance: Balance, paint: Paint): string[] {
  const rows = [...held, ...flows]
    .filter(([account]) => account === 'available' || balance[account] > 0)
    .map(([account, name, what]) => [
      account === 'available' ? paint('bold', name) : name,
      `${count(balance[account])} ${balance[account] === 1 ? 'sat ' : 'sats'}`,
      paint('dim', what),
    ])
  const lines = table([{ title: '' }, { title: '', align: 'right' }, { title: '' }], rows)
  const mints = Object.entries(balance.mints)
  if (mints.length === 0)
    return [...lines, paint('dim', 'Top up with `gradstr wallet topup SATS --mint URL`.')]
  const each = mints.map(([url, at]) => [url, count(at.available), count(at.locked + at.released)])
  const titles = [
    { title: 'Mint' },
    { title: 'available', align: 'right' as const },
    { title: 'locked', align: 'right' as const },
  ]
  const [head = '', ...byMint] = table(titles, each)
  return [...lines, '', paint('dim', head), ...byMint]
}
