import { randomUUID } from 'node:crypto'
import { type ErrorReport, UserError } from '../../../shared/errors.ts'
import { type Seconds, seconds } from '../../../shared/units.ts'
import { KIND, type Progress, wire } from '../../market/index.ts'
import {
  GIFT_WRAP,
  type NostrEvent,
  tagOf,
  unwrapSigned,
  WireError,
  WRAP_SLACK,
  workOf,
} from '../../nostr/index.ts'
import { heed } from '../heed.ts'
import type { Entry } from '../machine.ts'
import { Runner } from '../runner.ts'
import type { Tools } from '../tools.ts'
import { customerActs } from './acts/index.ts'
import { customerMachine } from './advance.ts'
import { mostBids } from './hiring.ts'
import type { CustomerEffect, CustomerFact } from './log.ts'
import type { CustomerJob, Plan } from './state.ts'

export interface CustomerWatch {
  onChange?: (job: CustomerJob, entry: Entry<CustomerFact>) => void
  /** A provider's heartbeat: shown, never used. */
  onProgress?: (from: string, progress: Progress) => void
  onTrouble?: (what: string, error: ErrorReport, retryInMs: number) => void
}

/** A heartbeat enters the log at most this often, in seconds: enough to tell silence from work. */
const heard = 5

/** One job under way in this process. `close` stops it where it is; opening it again goes on. */
export interface OpenJob {
  id: string
  runner: Runner<CustomerJob, CustomerFact, CustomerEffect>
  cancel(): void
  /** No further round: what is under way ends and is paid, then providers are let go. Taking the job up again ends it. */
  pause(): void
  /** The model goes to another folder; one that could not be written is tried there. */
  writeTo(out: string): void
  close(): Promise<void>
}

/**
 * Takes up a job from its log: after a crash, a stop, or on a new machine. A new job begins with its plan, the first
 * line of its log.
 */
export function openJob(id: string, tools: Tools, watch: CustomerWatch = {}, begin?: Plan): OpenJob {
  const { relays, keyring, journal, now } = tools
  const runner: Runner<CustomerJob, CustomerFact, CustomerEffect> = new Runner({
    id,
    side: 'customer',
    machine: customerMachine,
    journal,
    now,
    perform: customerActs(id, tools, () => runner.state),
    ...(watch.onChange ? { onChange: watch.onChange } : {}),
    onTrouble: (effect, error, retryInMs) => watch.onTrouble?.(effect.type, error, retryInMs),
  })
  if (begin) runner.append('planned', { type: 'planned', plan: begin, epoch: 1 })
  else if (runner.state.plan) runner.append(`back:${randomUUID()}`, { type: 'back' })
  const j = keyring.job(id)
  const { plan } = runner.state
  if (!plan)
    throw new UserError('job/unknown', {
      message: `There is no job ${id} in this data folder.`,
      fix: 'See `gradstr jobs` for those that are there, or name another folder with --home.',
    })
  const urls = plan.relays
  const listen = (name: string, kinds: number[], handle: (event: NostrEvent) => void, slack?: Seconds) =>
    relays.subscribe({
      name: `${name}:${id}`,
      as: j,
      urls,
      filter: { kinds, '#p': [j.pubkey] },
      handler: event => heed(tools, event, handle),
      ...(slack === undefined ? {} : { slack }),
    })
  const subscriptions = [
    listen('bids', [GIFT_WRAP], event => hearBid(id, tools, runner, event), WRAP_SLACK),
    listen('session', [KIND.ANSWER, KIND.UPDATE, KIND.LEAVE], event => hearSession(runner, event, j)),
    listen('progress', [KIND.PROGRESS], event => {
      if (!isEngaged(runner, event.pubkey)) return
      const progress = wire.progress.open(event, { me: j, from: event.pubkey })
      watch.onProgress?.(event.pubkey, progress)
      const fact: CustomerFact = {
        type: 'heard',
        from: event.pubkey,
        round: progress.round,
        step: progress.step,
        loss: progress.loss,
      }
      runner.append(`heard:${event.pubkey}:${Math.floor(now() / heard)}`, fact)
    }),
    relays.subscribe({
      name: `fence:${id}`,
      urls,
      filter: { kinds: [KIND.JOB], authors: [keyring.identity.pubkey], '#d': [id] },
      handler: event =>
        heed(tools, event, version => {
          const { epoch } = wire.job.parse(version)
          if (epoch > runner.state.epoch) runner.append(version.id, { type: 'superseded', epoch })
        }),
    }),
  ]
  let closed = false
  const start = (): void => {
    if (closed) return
    if (!begin) runner.append(`caught-up:${randomUUID()}`, { type: 'caught-up' })
    runner.start()
  }
  // What came meanwhile is heard before anything is done: that another machine coordinates, or that all have delivered.
  if (begin) start()
  else void Promise.all(subscriptions.map(({ synced }) => synced)).then(start)
  return {
    id,
    runner,
    cancel: () => void runner.append('cancel', { type: 'cancel' }),
    pause: () => void runner.append(`pause:${randomUUID()}`, { type: 'pause' }),
    writeTo: out => void runner.append(`out:${randomUUID()}`, { type: 'out', out }),
    async close() {
      closed = true
      for (const subscription of subscriptions) subscription.close()
      await runner.close()
    },
  }
}

type JobRunner = Runner<CustomerJob, CustomerFact, CustomerEffect>

function hearBid(id: string, tools: Tools, runner: JobRunner, wrap: NostrEvent): void {
  const { keyring, acquaintances } = tools
  const j = keyring.job(id)
  const inner = unwrapSigned(wrap, j.secret)
  const bid = wire.bid.parse(inner, { to: j.pubkey })
  const { plan, version } = runner.state
  if (bid.job !== `${KIND.JOB}:${keyring.identity.pubkey}:${id}`)
    throw new WireError('wire/content', 'job', 'This bid is for another job.')
  if (!plan || (version !== undefined && bid.version !== version))
    throw new WireError('wire/content', 'version', 'This bid answers another version of the job.')
  if (workOf(inner) < plan.bidWork)
    throw new WireError(
      'wire/tag',
      'tags.nonce',
      `This bid carries less work than the ${plan.bidWork} bits asked.`,
    )
  // A flood of bids may cost strangers their work, not this job its log.
  if (
    runner.state.bids.length >= mostBids &&
    runner.state.bids.every(standing => standing.bid.perRound <= bid.perRound)
  )
    return
  const known = acquaintances.of(inner.pubkey, 'provider')
  if (known.roundsRejected > known.roundsPaid)
    throw new WireError('wire/author', 'pubkey', 'Work of this provider was rejected before.')
  runner.append(inner.id, {
    type: 'bid',
    event: inner.id,
    provider: inner.pubkey,
    bid,
    known: known.roundsPaid,
  })
}

const isEngaged = ({ state }: JobRunner, key: string): boolean =>
  Object.values(state.engagements).some(engagement => engagement.bid.bid.key === key)

function hearSession(runner: JobRunner, event: NostrEvent, j: { secret: Uint8Array; pubkey: string }): void {
  const from = event.pubkey
  // Strangers to this job are not decrypted for: only session keys that a bid named can speak.
  if (tagOf(event, 'p') !== j.pubkey || !isEngaged(runner, from)) return
  const sides = { me: j, from }
  if (event.kind === KIND.ANSWER)
    runner.append(event.id, { type: 'answer', event: event.id, from, answer: wire.answer.open(event, sides) })
  else if (event.kind === KIND.LEAVE)
    runner.append(event.id, { type: 'leave', event: event.id, from, leave: wire.leave.open(event, sides) })
  else
    runner.append(event.id, {
      type: 'update',
      event: event.id,
      from,
      at: seconds(event.created_at),
      update: wire.update.open(event, sides),
    })
}
