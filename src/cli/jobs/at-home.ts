import { type CustomerJob, ended, money } from '../../core/jobs/index.ts'
import type { Call } from '../cli.ts'
import { closing } from '../closing.ts'
import type { House } from '../compose.ts'
import { keyText } from '../format.ts'
import { type Home, liveHome, practiceHome } from '../home.ts'
import { type ArchivedJob, openArchive, pick } from './archive.ts'
import type { Naming } from './view.ts'

/** A job of this home together with the house it runs in. */
interface AtHome {
  house: House
  naming: Naming
  archived: ArchivedJob
}

/** Which home has the job; without an id the newest that has not come to its end. */
export function findJob(
  call: Call,
  id: string | undefined,
  open: (job: ArchivedJob) => boolean,
): { home: Home; archived: ArchivedJob } | undefined {
  const found = [liveHome(call.folder), practiceHome(call.folder)].flatMap(home =>
    openArchive(home).jobs.map(archived => ({ home, id: archived.id, archived })),
  )
  if (id !== undefined) return pick(found, id)
  return found
    .filter(({ archived }) => open(archived))
    .sort((a, b) => b.archived.createdAt - a.archived.createdAt)[0]
}

/** Whether anything is left to be trained, or to be given back by who holds it. */
const needsProviders = (job: CustomerJob): boolean =>
  (!ended(job) && job.unwritten === undefined) || money(job).open > 0

/** Opens the house of a job, and for a practice job its network and local providers too. */
export async function withJob(
  call: Call,
  { home, archived }: { home: Home; archived: ArchivedJob },
  command: string,
  work: (at: AtHome) => Promise<void>,
): Promise<void> {
  const { openHouse } = await import('../compose.ts')
  const parts = closing()
  try {
    let naming: Naming = keyText
    let network = {}
    if (home.practice) {
      const { openPractice } = await import('./practice.ts')
      const practice = parts.opened(await openPractice(call, home, archived.job.plan!.shards.length), p =>
        p.close(),
      )
      naming = practice.naming
      if (needsProviders(archived.job)) await practice.hire()
      network = { network: practice.network }
    }
    const house = parts.opened(await openHouse(call, { home, command, ...network }), h => h.close())
    const { isSuperseded } = await import('../../core/jobs/index.ts')
    const { toolsOf } = await import('./tools.ts')
    // Another machine of the same phrase may hold the same sats now: then nothing is sent to a mint from here.
    const elsewhere = await isSuperseded(archived.id, archived.job, toolsOf(house, call.log.line))
    if (!elsewhere) await house.wallet.settle()
    await work({ house, naming, archived })
  } finally {
    await parts.close()
  }
}
