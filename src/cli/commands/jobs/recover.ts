import type { Command } from 'commander'
import { UserError } from '../../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../../cli.ts'
import { closing } from '../../closing.ts'
import { idText, keyText } from '../../format.ts'
import { liveHome } from '../../home.ts'

const help = `
For a new machine: the recovery phrase (asked for, or read from stdin), the
dataset file the job was started with, and --relay, --blossom and --mint as it
was announced with. The job goes on here under the next epoch; the old machine
stops when it sees that.`

export function addRecover(gradstr: Command, cli: Cli): void {
  gradstr
    .command('recover')
    .description('take over an open job on a new machine')
    .argument('<dataset>', 'the very file or folder that the job was started with')
    .option('--job <id>', 'which one, when several are open')
    .option('--out <folder>', 'the model’s folder', 'recovered-model')
    .addHelpText('after', help)
    .action(async (dataset: string, options: { job?: string; out: string }, command: Command) =>
      recover(await callOf(cli, command), dataset, options),
    )
}

async function recover(call: Call, dataset: string, options: { job?: string; out: string }): Promise<void> {
  const { openHouse } = await import('../../compose.ts')
  const { requireNetwork } = await import('../../network.ts')
  const { foreseenNetwork } = await import('../../jobs/place.ts')
  const { askMnemonic } = await import('../../mnemonic.ts')
  const { hasVault } = await import('../../../core/identity/index.ts')
  const { findJobs, recoverJob } = await import('../../../core/jobs/index.ts')
  const { toolsOf } = await import('../../jobs/tools.ts')
  const { tellSilent } = await import('../../jobs/connections.ts')
  const { pick } = await import('../../jobs/archive.ts')
  const { follow } = await import('../../jobs/follow.ts')
  const { conclude } = await import('../../jobs/conclude.ts')
  const { checkedPlaces } = await import('../../jobs/checked.ts')
  // What is wrong with the command is told before a phrase is asked for and a home is made.
  const places = await checkedPlaces(call.cli, dataset, options.out)
  const parts = closing()
  try {
    const home = liveHome(call.folder)
    requireNetwork(foreseenNetwork(call, home), ['relays', 'blossoms', 'mints'])
    const brought = (await hasVault(home.folder)) ? {} : { mnemonic: await askMnemonic(call) }
    const house = parts.opened(await openHouse(call, { home, command: 'gradstr recover', ...brought }), h =>
      h.close(),
    )
    const tools = toolsOf(house, call.log.line)
    const open = await findJobs(tools, house.network.relays, silent => tellSilent(call, silent))
    if (open.length === 0)
      throw new UserError('job/none-open', {
        message: 'No open job of this identity was found on these relays.',
        where: house.network.relays.join(', '),
        fix: 'Name the relays the job was announced on with --relay. `gradstr wallet restore` brings the money back in any case.',
      })
    const lost = options.job === undefined && open.length === 1 ? open[0]! : pick(open, options.job ?? '')
    call.report.say(`Taking over “${lost.job.title}” (${idText(lost.id)}) …`)
    await recoverJob(lost, places, tools)
    const before = house.wallet.balance().available
    const job = await follow(call, tools, lost.id, keyText)
    const after = house.wallet.balance().available
    conclude(call, { id: lost.id, job, naming: keyText, before, after })
  } finally {
    await parts.close()
  }
}
