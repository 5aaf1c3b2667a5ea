import type { Command } from 'commander'
import type { OpenJob } from '../../../core/jobs/index.ts'
import { UserError } from '../../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../../cli.ts'

const help = `
A job that was stopped goes on where it was. One that is over may still have
sats in locks of providers that fell silent: they open some time after the end,
and this command takes them back. "gradstr jobs" shows what is open.
Where the model could not be written, its weights are kept: --out names another
folder for it.`

export function addResume(gradstr: Command, cli: Cli): void {
  gradstr
    .command('resume')
    .description('go on with a job after a stop or a crash, or collect what its locks give back')
    .argument('[id]', 'the job; the newest one that is not over when left out')
    .option('--out <folder>', 'another folder for the model')
    .addHelpText('after', help)
    .action(async (id: string | undefined, options: { out?: string }, command: Command) =>
      resume(await callOf(cli, command), id, options.out),
    )
}

async function resume(call: Call, id: string | undefined, chosen: string | undefined): Promise<void> {
  const { findJob, withJob } = await import('../../jobs/at-home.ts')
  const { outOf } = await import('../../jobs/checked.ts')
  const found = findJob(call, id, ({ closed }) => !closed)
  if (!found)
    throw new UserError('job/none-open', {
      message: 'No job of this home is under way.',
      fix: 'See `gradstr jobs`; `gradstr train DATASET` starts a new one.',
    })
  const out = await outOf(call.cli, found.archived, chosen)
  await withJob(call, found, 'gradstr resume', async ({ house, naming, archived }) => {
    const { toolsOf } = await import('../../jobs/tools.ts')
    const { follow } = await import('../../jobs/follow.ts')
    const { conclude } = await import('../../jobs/conclude.ts')
    const { ended, money } = await import('../../../core/jobs/index.ts')
    const tools = toolsOf(house, call.log.line)
    // What the job took before it was stopped belongs to its account, not to this run's.
    const { paid, fees, open } = money(archived.job)
    const before = house.wallet.balance().available + paid + fees + open
    const first = (open: OpenJob) => out !== undefined && open.writeTo(out)
    const job = await follow(call, tools, archived.id, naming, { first })
    const after = house.wallet.balance().available
    conclude(call, { id: archived.id, job, naming, before, after, collected: ended(archived.job) })
  })
}
