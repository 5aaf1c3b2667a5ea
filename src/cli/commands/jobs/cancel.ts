import type { Command } from 'commander'
import { UserError } from '../../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../../cli.ts'
import { idText, satsText } from '../../format.ts'

const help = `
What was delivered is still checked and paid; the rest of the locked sats comes
back, at once from providers that answer, else when the lock opens. A model of
the rounds that were trained is written to its folder. When the job runs in
another process of this home, stop that one first (Ctrl-C).`

export function addCancel(gradstr: Command, cli: Cli): void {
  gradstr
    .command('cancel')
    .description('end a job: no further round is opened')
    .argument('<id>', 'the job, or the beginning of its id')
    .addHelpText('after', help)
    .action(async (id: string, _: object, command: Command) => cancel(await callOf(cli, command), id))
}

async function cancel(call: Call, id: string): Promise<void> {
  const { findJob, withJob } = await import('../../jobs/at-home.ts')
  const { ended, money } = await import('../../../core/jobs/index.ts')
  const found = findJob(call, id, () => true)!
  if (ended(found.archived.job))
    throw new UserError('job/over', {
      message: `This job is over already (${found.archived.job.phase}).`,
      fix: '`gradstr job ID` shows how it ended; `gradstr resume ID` collects what is still locked.',
    })
  await withJob(call, found, 'gradstr cancel', async ({ house, naming, archived }) => {
    const { toolsOf } = await import('../../jobs/tools.ts')
    const { follow } = await import('../../jobs/follow.ts')
    const { endedBadly } = await import('../../jobs/conclude.ts')
    const tools = toolsOf(house, call.log.line)
    const end = await follow(call, tools, archived.id, naming, { first: job => job.cancel() })
    // Only the machine that coordinates it can end it.
    if (end.phase === 'fenced') throw endedBadly({ id: archived.id, job: end })
    const { paid, refunded, open } = money(end)
    call.report.say(
      `Cancelled. ${satsText(paid)} paid for what was delivered, ${satsText(refunded)} came back${open > 0 ? `, ${satsText(open)} still locked: \`gradstr resume\` collects them` : ''}.`,
    )
    if (end.unwritten !== undefined)
      call.report.say(
        `${end.unwritten} The weights are kept: \`gradstr resume ${idText(archived.id)} --out FOLDER\` writes the model.`,
      )
    call.report.result({ id: archived.id, phase: end.phase, paid, refunded, open })
  })
}
