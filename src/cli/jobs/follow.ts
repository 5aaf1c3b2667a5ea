import {
  type CustomerJob,
  ended,
  isResting,
  money,
  type OpenJob,
  openJob,
  owesReceipts,
  type Plan,
  type Tools,
} from '../../core/jobs/index.ts'
import { type ErrorReport, reportOf } from '../../shared/errors.ts'
import type { Call } from '../cli.ts'
import { idText, satsText } from '../format.ts'
import { advised, Interrupted, isByHand } from '../interrupt.ts'
import { openProgress } from '../progress/display.ts'
import { type Naming, viewOf } from './view.ts'

/** After the end: how long cooperative give-backs, and redemptions that a receipt is to tell of, are waited for, in milliseconds. */
const graceMs = 10_000
/** Locks that open within this many seconds are waited for; longer ones come back when Gradstr runs again. */
const shortWait = 300
const frameMs = 250
/** What providers redeemed, and whatever a mint's absence left open, is looked after this often. */
const settleMs = 30_000

interface Beginning {
  /** Of a new job. */
  begin?: Plan
  /** What the person wants of it, before anything else happens in it. */
  first?: (job: OpenJob) => unknown
}

/**
 * Runs a job of this home in the foreground until it has ended, or waits for a folder that can be written, and its locks
 * are settled, or will be only later.
 * Ctrl-C pauses it: the round under way ends and is paid, its providers are let go. A second one ends the process where it
 * is. Either way the log is on disk, and `gradstr resume` goes on.
 */
export async function follow(
  call: Call,
  tools: Tools,
  id: string,
  naming: Naming,
  { begin, first }: Beginning = {},
): Promise<CustomerJob> {
  const display = openProgress(call.report, call.cli.now)
  const heartbeats = new Map<string, { round: number; step: number; loss: number; secondsLeft: number }>()
  const troubles = new Set<string>()
  const job: OpenJob = openJob(
    id,
    tools,
    {
      onProgress: (from, progress) => void heartbeats.set(from, progress),
      onTrouble: (what, error) => tell(what, error),
    },
    begin,
  )
  first?.(job)
  function tell(what: string, { code, message, fix }: ErrorReport): void {
    call.log.line(`${what}: ${message}`)
    // Each trouble is told once; it is tried again until it works.
    if (troubles.has(`${what}:${code}`)) return
    troubles.add(`${what}:${code}`)
    display.note(`${message} Trying again. ${fix}`)
  }
  const settle = async (): Promise<void> => {
    // The sats are in another machine's hands then.
    if (job.runner.state.phase === 'fenced') return
    await tools.wallet.settle().catch(error => tell('settle', reportOf(error)))
  }
  const keepBooks = setInterval(() => void settle(), settleMs)
  const draw = setInterval(() => display.show(viewOf(job.runner.state, heartbeats, naming)), frameMs)
  try {
    display.show(viewOf(job.runner.state, heartbeats, naming))
    const resuming = () => howToGoOn(id, money(job.runner.state).open)
    const patience = () =>
      display.note('The round under way ends and is paid first; once more stops at once.')
    return await advised(call.signal, resuming, untilOver(job, call.signal, patience))
  } finally {
    clearInterval(keepBooks)
    clearInterval(draw)
    display.show(viewOf(job.runner.state, heartbeats, naming))
    display.done()
    await job.close()
    await settle()
    await tools.relays.flush(3000)
  }
}

/** Said to whoever stops a job: the same command again would be a second one, paid again. */
function howToGoOn(id: string, open: number): string {
  const locked = open > 0 ? `; ${satsText(open)} ${open === 1 ? 'is' : 'are'} in its locks` : ''
  return `\`gradstr resume ${idText(id)}\` goes on with this job${locked}.`
}

async function untilOver(open: OpenJob, signal: AbortSignal, told: () => void): Promise<CustomerJob> {
  const { runner } = open
  let endedAt: number | undefined
  let watch: NodeJS.Timeout | undefined
  const enough = new Promise<CustomerJob>((resolve, reject) => {
    const stop = () => {
      // Only a person waits for a round to end: whoever ends the process otherwise wants it gone.
      if (ended(runner.state) || !isByHand(signal)) reject(new Interrupted())
      else {
        open.pause()
        told()
      }
    }
    if (signal.aborted) stop()
    else signal.addEventListener('abort', stop, { once: true })
    watch = setInterval(() => {
      const job = runner.state
      const resting = isResting(job)
      const stuck = job.unwritten !== undefined && !ended(job)
      if (!ended(job) && !stuck && !resting) return
      endedAt ??= Date.now()
      const waits = Date.now() - endedAt < graceMs
      const lock = longestLock(job)
      // Those whose work was not taken sign their locks back in a moment.
      if (resting) return lock === 0 || !waits ? reject(new Interrupted()) : undefined
      if (lock === 0 && stuck && runner.idle) return resolve(job)
      // Nothing but receipts is left: they are published when Gradstr runs again.
      const settled = lock === 0 && (stuck || owesReceipts(job))
      if (!waits && (settled || lock > Date.now() / 1000 + shortWait)) resolve(job)
    }, 200)
  })
  try {
    return await Promise.race([runner.settled, enough])
  } finally {
    clearInterval(watch)
  }
}

const longestLock = (job: CustomerJob): number =>
  Math.max(
    0,
    ...Object.values(job.engagements).flatMap(({ works }) =>
      works.flatMap(work => (work.lock.status === 'open' ? [work.locktime] : [])),
    ),
  )
