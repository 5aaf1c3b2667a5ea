import type { Command } from 'commander'
import type { HistoryEntry } from '../../../core/payments/index.ts'
import { type Call, type Cli, callOf } from '../../cli.ts'
import { clip, count, type Paint, printable, timeText } from '../../format.ts'
import { liveHome } from '../../home.ts'
import { positive } from '../../options.ts'
import { table } from '../../table.ts'

export function addHistory(wallet: Command, cli: Cli): void {
  wallet
    .command('history')
    .description('every movement of sats, newest first')
    .option('--limit <entries>', 'how many', positive('entries', 100_000), 50)
    .action(async (options: { limit: number }, command: Command) =>
      history(await callOf(cli, command), options.limit),
    )
}

async function history(call: Call, limit: number): Promise<void> {
  const { report } = call
  const { openBooks } = await import('../../books.ts')
  const books = await openBooks(liveHome(call.folder))
  try {
    const entries = books.history(limit)
    report.say(...historyLines(entries, report.paint))
    for (const entry of entries) report.event('entry', entry)
    report.result({ entries: entries.length })
  } finally {
    books.close()
  }
}

const names: Record<string, string> = {
  pendingIn: 'coming in',
  pendingOut: 'going out',
  external: 'outside',
}

/** The accounts that an entry changed: `+100 locked, −101 available, +1 fees`. */
const changesText = (changes: HistoryEntry['changes']): string =>
  Object.entries(changes)
    .filter(([account]) => account !== 'external')
    .map(([account, n]) => `${n < 0 ? '−' : '+'}${count(Math.abs(n))} ${names[account] ?? account}`)
    .join(', ')

function historyLines(entries: readonly HistoryEntry[], paint: Paint): string[] {
  if (entries.length === 0) return ['Nothing has moved yet.']
  const rows = entries.map(entry => [
    timeText(entry.at),
    printable(entry.kind),
    changesText(entry.changes),
    paint('dim', clip(printable(entry.about), 40)),
  ])
  const [head = '', ...lines] = table(
    [{ title: 'Time' }, { title: 'What' }, { title: 'Sats' }, { title: 'About' }],
    rows,
  )
  return [paint('dim', head), ...lines]
}
