import type { Command } from 'commander'
import { type Call, type Cli, callOf } from '../../cli.ts'
import { count, idText, timeText } from '../../format.ts'
import { liveHome, practiceHome } from '../../home.ts'
import { table } from '../../table.ts'

export function addJobs(gradstr: Command, cli: Cli): void {
  gradstr
    .command('jobs')
    .description('the jobs of this home, bought and worked for')
    .action(async (_: object, command: Command) => list(await callOf(cli, command)))
}

async function list(call: Call): Promise<void> {
  const { report } = call
  const { openArchive } = await import('../../jobs/archive.ts')
  const { money } = await import('../../../core/jobs/index.ts')
  const homes = [liveHome(call.folder), practiceHome(call.folder)]
  const archives = homes.map(openArchive)
  const bought = archives.flatMap(({ jobs }, i) =>
    jobs.map(({ id, createdAt, job, phase }) => ({
      id,
      createdAt,
      practice: homes[i]!.practice,
      title: job.plan!.title,
      phase,
      round: job.weights.length - 1,
      rounds: job.plan!.rounds,
      paid: money(job).paid,
      locked: money(job).open,
    })),
  )
  const worked = archives.flatMap(({ engagements }) =>
    engagements
      .filter(({ engagement }) => engagement.award)
      .map(({ id, createdAt, engagement }) => ({
        id,
        createdAt,
        title: engagement.candidate?.job.title ?? '',
        phase: engagement.phase,
        rounds: engagement.shares.length,
        earned: engagement.shares.reduce((sum, share) => sum + (share.redeemed ?? 0), 0),
      })),
  )
  if (bought.length + worked.length === 0)
    report.say('No jobs yet. `gradstr train DATASET` buys one, `gradstr provide` earns with one.')
  if (bought.length > 0)
    report.say(
      ...table(
        [
          { title: 'Job' },
          { title: 'Started' },
          { title: 'What' },
          { title: 'State' },
          { title: 'Rounds', align: 'right' },
          { title: 'Paid', align: 'right' },
          { title: 'Locked', align: 'right' },
        ],
        bought.map(job => [
          idText(job.id),
          timeText(job.createdAt),
          `${job.title}${job.practice ? ' (practice)' : ''}`,
          job.phase,
          `${job.round}/${job.rounds}`,
          `${count(job.paid)} sats`,
          `${count(job.locked)} sats`,
        ]),
      ),
    )
  if (worked.length > 0)
    report.say(
      ...(bought.length > 0 ? [''] : []),
      ...table(
        [
          { title: 'Work' },
          { title: 'Started' },
          { title: 'What' },
          { title: 'State' },
          { title: 'Rounds', align: 'right' },
          { title: 'Earned', align: 'right' },
        ],
        worked.map(work => [
          idText(work.id),
          timeText(work.createdAt),
          work.title,
          work.phase,
          count(work.rounds),
          `${count(work.earned)} sats`,
        ]),
      ),
    )
  report.result({ bought, worked })
}
