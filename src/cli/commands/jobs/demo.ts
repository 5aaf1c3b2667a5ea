import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { UserError } from '../../../shared/errors.ts'
import { type Cli, callOf } from '../../cli.ts'
import { practiceHome } from '../../home.ts'
import { advised } from '../../interrupt.ts'
import type { Network } from '../../network.ts'
import { type OrderOptions, orderOptions } from './options.ts'
import { trainOnPractice } from './train.ts'

const help = `
Everything is real but the money: a Nostr relay, a Blossom server and a Cashu
mint on 127.0.0.1, providers as separate processes, encrypted shards, locked
sats for every round. What it makes up on the way is deleted; the model stays.`

const defaultOut = 'gradstr-demo-model'

export function addDemo(gradstr: Command, cli: Cli): void {
  const command = gradstr
    .command('demo')
    .description('a whole job on this computer: handwritten digits, three providers, play money')
    .option('--dataset <dataset>', 'a file, a folder, or "mnist"', 'mnist')
  orderOptions(command, defaultOut)
    .addHelpText('after', help)
    .action(async (options: OrderOptions & { dataset: string }, it: Command) => {
      const asked = await callOf(cli, it)
      await refuseNetwork(asked.network)
      const folder = mkdtempSync(join(tmpdir(), 'gradstr-demo-'))
      try {
        const call = { ...asked, folder }
        const out = options.out ?? defaultOut
        // Of digits a perceptron learns enough in the time that somebody looks on.
        const model = options.dataset === 'mnist' ? { model: options.model ?? ('mlp' as const) } : {}
        const job = trainOnPractice(
          call,
          options.dataset,
          { ...options, ...model, out },
          practiceHome(folder),
        )
        // Its home goes with it: nothing is there to be resumed.
        await advised(call.signal, () => 'Run it again: a demo begins anew each time.', job)
      } finally {
        rmSync(folder, { recursive: true, force: true })
      }
    })
}

/** Real servers that were named and never asked would look as if they had been. */
async function refuseNetwork(network: Network): Promise<void> {
  const { isEmpty } = await import('../../network.ts')
  if (isEmpty(network)) return
  throw new UserError('usage/demo-network', {
    message: 'The demo has a network of its own: --relay, --blossom and --mint are not for it.',
    fix: 'Leave them out, or use `gradstr train` with them.',
  })
}
