import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { type Call, type Cli, callOf } from '../cli.ts'
import { untilStopped } from '../interrupt.ts'

const help = `
Relay, Blossom server and mint run in this process, on 127.0.0.1 only. The
mint's invoices pay themselves: its sats are play money. Without --folder
everything it held is gone when it stops.

Then, in other terminals, with the three addresses that it prints as NET:
  gradstr provide NET --home FOLDER
  gradstr wallet topup 10000 NET
  gradstr train DATASET --providers 1 NET`

export function addLocalnet(gradstr: Command, cli: Cli): void {
  gradstr
    .command('localnet')
    .description('run a practice network on this computer until interrupted')
    .option('--folder <folder>', 'keep its data and ports there, to go on with it later')
    .addHelpText('after', help)
    .action(async (options: { folder?: string }, command: Command) =>
      localnet(await callOf(cli, command), options),
    )
}

async function localnet(call: Call, { folder }: { folder?: string }): Promise<void> {
  const { report, cli } = call
  const { startPracticeNetwork } = await import('../practice-network.ts')
  const kept = folder === undefined ? undefined : resolve(cli.cwd, folder)
  const place = kept ?? mkdtempSync(join(tmpdir(), 'gradstr-localnet-'))
  try {
    const network = await startPracticeNetwork(place)
    try {
      const { relay, blossom, mint } = network
      report.say(
        'The practice network runs. Its sats are play money.',
        `  relay    ${relay}`,
        `  blossom  ${blossom}`,
        `  mint     ${mint}`,
        '',
        'For other commands:',
        `  --relay ${relay} --blossom ${blossom} --mint ${mint}`,
        '',
        report.paint('dim', 'Ctrl-C stops it.'),
      )
      report.event('ready', { relay, blossom, mint, folder: place })
      await untilStopped(call.signal)
    } finally {
      await network.close()
    }
  } finally {
    if (kept === undefined) rmSync(place, { recursive: true, force: true })
  }
  report.say('The practice network has stopped.')
  report.result({ stopped: true })
}
