import type { Command } from 'commander'
import type { Wallet } from '../../../core/payments/index.ts'
import { type Call, type Cli, callOf } from '../../cli.ts'
import { closing } from '../../closing.ts'
import { keyText } from '../../format.ts'
import { type Home, liveHome, practiceHome } from '../../home.ts'
import type { Places } from '../../jobs/checked.ts'
import type { Network } from '../../network.ts'
import { noiseOptions } from '../../noise-options.ts'
import { type OrderOptions, orderOptions } from './options.ts'

const help = `
DATASET as for "inspect": a table, pictures or a text. Without --relay,
--blossom and --mint the practice network is used: providers are hired on this
computer and the sats are play money. With them, a real wallet pays strangers:
top it up first.

A quote comes first; a budget that cannot cover it is refused before anything is
locked. Ctrl-C pauses the job: the round under way ends and is paid, nothing
stays locked, and "gradstr resume" goes on.`

export function addTrain(gradstr: Command, cli: Cli): void {
  const command = gradstr
    .command('train')
    .description('have a model trained on a dataset by paid providers')
    .argument('<dataset>', 'a file, a folder, or "mnist"')
  noiseOptions(orderOptions(command, 'NAME-model, after the dataset,'))
    .option('--receipts', 'say in public who worked for you and what was paid, where a provider agrees')
    .addHelpText('after', help)
    .action(async (dataset: string, options: OrderOptions, it: Command) => {
      const call = await callOf(cli, it)
      const { chosenPlace } = await import('../../jobs/place.ts')
      if (chosenPlace(call) === 'practice')
        return trainOnPractice(call, dataset, options, practiceHome(call.folder))
      const { checkedPlaces } = await import('../../jobs/checked.ts')
      const places = await checkedPlaces(cli, dataset, options.out)
      await trainAt(call, places, options, { home: liveHome(call.folder), naming: keyText })
    })
}

/** Practice network, hired local providers, play money: everything on this computer. */
export async function trainOnPractice(
  call: Call,
  dataset: string,
  options: OrderOptions,
  home: Home,
): Promise<void> {
  const { checkedPlaces, orUnmade } = await import('../../jobs/checked.ts')
  const { openPractice } = await import('../../jobs/practice.ts')
  const places = await checkedPlaces(call.cli, dataset, options.out)
  await orUnmade(home, async () => {
    const practice = await openPractice(call, home, options.providers)
    try {
      await trainAt(call, places, options, { home, ...practice })
    } finally {
      await practice.close()
    }
  })
}

interface Place {
  home: Home
  naming: (pubkey: string) => string
  network?: Network
  hire?: () => Promise<void>
  money?: (wallet: Wallet) => Promise<void>
}

/** The whole job, from a dataset to a model folder. */
async function trainAt(call: Call, places: Places, options: OrderOptions, place: Place): Promise<void> {
  const { home, naming, hire, money } = place
  const { openHouse } = await import('../../compose.ts')
  const { requireNetwork } = await import('../../network.ts')
  const { toolsOf } = await import('../../jobs/tools.ts')
  const { drafted, orderOf } = await import('../../jobs/order.ts')
  const { foreseenNetwork } = await import('../../jobs/place.ts')
  const { follow } = await import('../../jobs/follow.ts')
  const { conclude } = await import('../../jobs/conclude.ts')
  const parts = closing()
  try {
    // What is wrong with the command is told before a home, an identity and connections are made for it.
    const network = place.network ?? foreseenNetwork(call, home)
    requireNetwork(network, ['relays', 'blossoms', 'mints'])
    const order = orderOf(call, places, options, network)
    const opening = { home, command: 'gradstr train', ...(place.network ? { network } : {}) }
    const house = parts.opened(await openHouse(call, opening), h => h.close())
    const tools = toolsOf(house, call.log.line)
    await house.wallet.settle()
    await money?.(house.wallet)
    const { id, plan } = await drafted(call, order, tools, hire)
    const before = house.wallet.balance().available
    const job = await follow(call, tools, id, naming, { begin: plan })
    const after = house.wallet.balance().available
    conclude(call, { id, job, naming, before, after })
  } finally {
    await parts.close()
  }
}
