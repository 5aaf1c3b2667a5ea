import type { Command } from 'commander'
import { UserError } from '../../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../../cli.ts'
import type { Safe } from '../../compose.ts'
import { satsText } from '../../format.ts'
import { liveHome } from '../../home.ts'
import { advised, orStopped } from '../../interrupt.ts'
import { ask } from '../../prompt.ts'

const help = `
Amount and the highest possible fee are shown first. A payment whose end is not
known yet is pending: it is never sent twice, and
\`gradstr wallet balance --refresh\` asks how it ended.`

export function addWithdraw(wallet: Command, cli: Cli): void {
  wallet
    .command('withdraw')
    .description('pay a Lightning invoice from the wallet')
    .argument('<invoice>', 'a BOLT-11 invoice with an amount (lnbc…)')
    .option('-y, --yes', 'do not ask before paying')
    .addHelpText('after', help)
    .action(async (invoice: string, options: { yes?: true }, command: Command) =>
      withdraw(await callOf(cli, command), invoice.trim().replace(/^lightning:/i, ''), options.yes === true),
    )
}

async function withdraw(call: Call, invoice: string, yes: boolean): Promise<void> {
  if (!yes) requireSomebody(call)
  const { openSafe } = await import('../../compose.ts')
  const safe = await openSafe(call, { home: liveHome(call.folder), command: 'gradstr wallet withdraw' })
  try {
    const mint = mintToPayFrom(safe, call.network.mints)
    const quote = await orStopped(call.signal, safe.wallet.quoteWithdrawal(mint, invoice))
    call.report.say(`${satsText(quote.amount)} from ${mint}, and at most ${satsText(quote.fee)} in fees.`)
    call.report.event('quote', { mint, ...quote })
    if (!yes && !(await confirmed(call))) return cancelled(call)
    await pay(call, safe, mint, invoice)
  } finally {
    await safe.close()
  }
}

/** An invoice that may have been paid is not paid by hand again. */
const unsure = () => '`gradstr wallet balance --refresh` tells how the payment ended.'

async function pay({ report, signal }: Call, safe: Safe, mint: string, invoice: string): Promise<void> {
  // Not to be interrupted from here on: a payment that left has an end, and the wallet wants to see it.
  const done = await advised(signal, unsure, safe.wallet.withdraw(mint, invoice))
  const { available } = safe.wallet.balance()
  if (done.pending)
    report.say(
      `The payment of ${satsText(done.paid)} is pending: its end is not known yet, and it is not sent again.`,
      'Ask later with `gradstr wallet balance --refresh`.',
    )
  else
    report.say(
      `Paid ${satsText(done.paid)} and ${satsText(done.fee)} in fees. Available: ${satsText(available)}.`,
    )
  const { pending, ...figures } = done
  report.result({ state: pending ? 'pending' : 'paid', mint, ...figures, available })
}

/** Of the flag's mints, else of all, the one that holds most. */
function mintToPayFrom({ network, wallet }: Safe, flagged: readonly string[]): string {
  const holds = (mint: string) => wallet.balance().mints[mint]?.available ?? 0
  const known = [...new Set([...network.mints, ...Object.keys(wallet.balance().mints)])]
  const best = (flagged.length > 0 ? [...flagged] : known).sort((a, b) => holds(b) - holds(a))[0]
  if (best !== undefined) return best
  throw new UserError('wallet/empty', {
    message: 'There is nothing to withdraw: this wallet has never held anything.',
    fix: 'See `gradstr wallet balance`, or name another home with --home.',
  })
}

function requireSomebody({ terminal }: Call): void {
  if (terminal.stdin.isTTY && terminal.stderr.isTTY) return
  throw new UserError('wallet/unconfirmed', {
    message: 'A withdrawal is confirmed by hand, and nobody can type here.',
    fix: 'Add --yes to pay without being asked.',
  })
}

const confirmed = async ({ terminal }: Call): Promise<boolean> =>
  /^y(es)?$/i.test((await ask('Pay? [y/N] ', terminal)).trim())

function cancelled({ report }: Call): void {
  report.say('Nothing was paid.')
  report.result({ state: 'cancelled' })
}
