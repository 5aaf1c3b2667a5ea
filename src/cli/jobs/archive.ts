import {
  type CustomerFact,
  type CustomerJob,
  customerMachine,
  type Engagement,
  ended,
  openJournal,
  providerMachine,
  replay,
} from '../../core/jobs/index.ts'
import { UserError } from '../../shared/errors.ts'
import { type Home, homeExists } from '../home.ts'
import { openStore } from '../store.ts'

export interface ArchivedJob {
  id: string
  createdAt: number
  job: CustomerJob
  /** What a person calls its state. */
  phase: CustomerJob['phase'] | 'paused'
  /** Nothing is left to do for it, the good-byes included. */
  closed: boolean
}
export interface ArchivedEngagement {
  id: string
  createdAt: number
  engagement: Engagement
}

/** The jobs of a home, folded from their logs: read only, while another process may be running them. */
export function openArchive(home: Home): { jobs: ArchivedJob[]; engagements: ArchivedEngagement[] } {
  if (!homeExists(home)) return { jobs: [], engagements: [] }
  const { db } = openStore(home)
  try {
    const journal = openJournal(db)
    return {
      jobs: journal
        .jobs('customer')
        .map(({ id, createdAt, closedAt }) => {
          const job = replay(customerMachine, journal.log<CustomerFact>(id))
          return { id, createdAt, closed: closedAt !== null, job, phase: phaseOf(job) }
        })
        .filter(({ job }) => job.plan !== undefined),
      engagements: journal.jobs('provider').map(({ id, createdAt }) => ({
        id,
        createdAt,
        engagement: replay(providerMachine, journal.log(id)),
      })),
    }
  } finally {
    db.close()
  }
}

export const phaseOf = (job: CustomerJob): ArchivedJob['phase'] =>
  job.paused && !ended(job) ? 'paused' : job.phase

/** By its id or the beginning of it. @throws UserError `job/unknown`, `job/ambiguous` */
export function pick<T extends { id: string }>(all: T[], id: string): T {
  const [found, other] = all.filter(item => item.id.startsWith(id))
  if (found && !other) return found
  throw new UserError(found ? 'job/ambiguous' : 'job/unknown', {
    message: found ? `Several jobs begin with "${id}".` : `There is no job "${id}" in this home.`,
    fix: found
      ? 'Give more of its id.'
      : 'See `gradstr jobs` for those that are there, or name another folder with --home.',
  })
}
