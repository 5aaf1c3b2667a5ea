import type { Command } from 'commander'
import type { TopUp } from '../../../core/payments/index.ts'
import { sats } from '../../../shared/units.ts'
import { type Call, type Cli, callOf } from '../../cli.ts'
import type { Safe } from '../../compose.ts'
import { satsText, timeText } from '../../format.ts'
import { liveHome } from '../../home.ts'
import { advised, orStopped } from '../../interrupt.ts'
import { satsAmount } from '../../options.ts'
import { invoiceLines } from '../../qr.ts'

const help = `
Any Lightning wallet can pay the invoice. The mint takes no fee for it. Stopping
this command loses nothing: sats paid later come in with
\`gradstr wallet balance --refresh\`.`

export function addTopup(wallet: Command, cli: Cli): void {
  wallet
    .command('topup')
    .description('show a Lightning invoice and wait until it is paid')
    .argument('<sats>', 'how many', satsAmount)
    .option('--no-wait', 'show the invoice and end')
    .addHelpText('after', help)
    .action(async (amount: number, options: { wait: boolean }, command: Command) =>
      topup(await callOf(cli, command), amount, options.wait),
    )
}

async function topup(call: Call, amount: number, wait: boolean): Promise<void> {
  const [{ openSafe }, { requireNetwork }] = await Promise.all([
    import('../../compose.ts'),
    import('../../network.ts'),
  ])
  const safe = await openSafe(call, { home: liveHome(call.folder), command: 'gradstr wallet topup' })
  try {
    requireNetwork(safe.network, ['mints'])
    // The first mint is the one that a job would use first.
    const [mint = ''] = safe.network.mints
    const asked = await orStopped(call.signal, safe.wallet.topUp(mint, sats(amount)))
    showInvoice(call, mint, amount, asked)
    if (wait) await untilPaid(call, safe, asked)
    else call.report.result({ state: 'pending', mint, ...invoiceFields(amount, asked) })
  } finally {
    await safe.close()
  }
}

const invoiceFields = (amount: number, { invoice, quote, expires }: TopUp) => ({
  amount,
  invoice,
  quote,
  expires,
})

function showInvoice({ report }: Call, mint: string, amount: number, asked: TopUp): void {
  report.say(
    `Pay ${satsText(amount)} to ${mint}. The mint takes no fee for it.`,
    '',
    ...invoiceLines(asked.invoice, report.human),
    '',
    `The invoice is good until ${timeText(asked.expires)}.`,
  )
  report.event('invoice', { mint, ...invoiceFields(amount, asked) })
}

/** Another top-up would be another invoice. */
const later = () => '`gradstr wallet balance --refresh` brings in what is paid to this invoice.'

async function untilPaid({ report, signal }: Call, safe: Safe, asked: TopUp): Promise<void> {
  report.say('Waiting for the payment … (Ctrl-C ends the waiting, not the invoice)')
  const added = await advised(signal, later, orStopped(signal, asked.paid))
  const { available } = safe.wallet.balance()
  report.say(`${satsText(added)} came in. Available: ${satsText(available)}.`)
  report.result({ state: 'paid', added, available })
}
