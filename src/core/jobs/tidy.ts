import { UserError } from '../../shared/errors.ts'
import { type Seconds, seconds } from '../../shared/units.ts'
import type { Manifest } from '../blobs/index.ts'
import type { KeyPair } from '../identity/index.ts'
import { customerMachine } from './customer/advance.ts'
import { allWorks, type CustomerJob } from './customer/state.ts'
import type { Side } from './journal.ts'
import { replay } from './machine.ts'
import { providerMachine } from './provider/advance.ts'
import type { Engagement } from './provider/state.ts'
import { sessionLife, type Tools } from './tools.ts'

/** What a job that is over has left with relays and Blossom servers. */
interface Leftovers {
  /** J or P: signed the session's events and the uploads. */
  key: KeyPair
  blobs: Manifest[]
  /** When none of it is of use to anybody any more: T of the last lock is past. */
  useless: Seconds
}

/**
 * Asks relays and Blossom servers to delete what closed jobs and engagements have left there, once nobody can need it.
 * What a server refuses now is asked for again at the next call, for a week; then only expiry is left, and the key
 * without which a blob is noise. Never throws for a server, and changes nothing when called again.
 */
export async function tidy(tools: Tools, signal: AbortSignal): Promise<void> {
  const { journal, relays, now } = tools
  for (const { id, side } of journal.untidied()) {
    const left = leftoversOf(id, side, tools)
    if (left && now() <= left.useless) continue
    if (left) relays.retract(left.key)
    const gone = left ? await removed(left, tools, signal) : true
    if (signal.aborted) return
    if (gone || now() > left!.useless + sessionLife) journal.tidied(id, now())
  }
}

function leftoversOf(id: string, side: Side, { journal, keyring }: Tools): Leftovers | undefined {
  if (side === 'customer') return ofJob(replay(customerMachine, journal.log(id)), keyring.job(id))
  return ofEngagement(replay(providerMachine, journal.log(id)), keyring.engagement(id))
}

/** Another machine goes on with a job that was fenced here, under the same key: it is that machine's to tidy. */
function ofJob(job: CustomerJob, key: KeyPair): Leftovers | undefined {
  if (!job.plan || job.phase === 'fenced') return undefined
  const works = allWorks(job).map(({ work }) => work)
  const lastWord = (job.end?.at ?? job.clock) + job.plan.times.answer
  return {
    key,
    blobs: works.flatMap(({ token }) => token ?? []),
    useless: seconds(Math.max(lastWord, ...works.map(({ locktime }) => locktime))),
  }
}

function ofEngagement({ candidate, shares }: Engagement, key: KeyPair): Leftovers | undefined {
  if (!candidate) return undefined
  return {
    key,
    blobs: shares.flatMap(({ manifest }) => manifest ?? []),
    useless: seconds(Math.max(candidate.bid.validUntil, ...shares.map(({ round }) => round.times.locktime))),
  }
}

/** Whether no server has any of the blobs any more, as far as it says. */
async function removed({ key, blobs }: Leftovers, tools: Tools, signal: AbortSignal): Promise<boolean> {
  const results = await Promise.all(
    blobs.map(async blob => {
      try {
        await tools.blobs.remove(blob, { signer: key, signal })
        return true
      } catch (error) {
        if (signal.aborted) return false
        if (!(error instanceof UserError)) throw error
        tools.log(`a blob stays on its server: ${error.message}`)
        return false
      }
    }),
  )
  return results.every(gone => gone)
}

/** Seconds from one look to the next, in a process that stays. */
const interval = 600

/** Tidies now and from time to time, beside whatever else is done; `close` stops it where it is. */
export function keepTidy(tools: Tools): { close(): Promise<void> } {
  const closing = new AbortController()
  let turn: Promise<void> = Promise.resolve()
  const look = (): void => {
    turn = turn.then(() => tidy(tools, closing.signal)).catch(error => tools.log(`tidying: ${error}`))
  }
  look()
  const timer = setInterval(look, interval * 1000)
  return {
    async close() {
      clearInterval(timer)
      closing.abort()
      await turn
    },
  }
}
