import type { Sats, Seconds } from '../../../shared/units.ts'
import type { Manifest } from '../../blobs/index.ts'
import type { ReadAs, TextLayout, TextOptions } from '../../datasets/index.ts'
import type { Figures, Reference } from '../../federation/index.ts'
import type { Bid } from '../../market/index.ts'
import type { JobSpec } from '../../training/index.ts'
import type { CustomerFact } from './log.ts'

/** How long each party may take, in seconds; payments.md, "Paying per round". */
export interface Times {
  /** From the announcement: bids are collected this long before the first awards. */
  hiring: Seconds
  /** From the award: to accept or decline. */
  answer: Seconds
  /** From the round's event: to the first sign of work. */
  start: Seconds
  /** Longest silence of a provider at work. */
  heartbeat: Seconds
  /** Least time for a round, whatever speed was promised: from the round's event to the update's arrival. */
  round: Seconds
  /** From the deadline: for the verdict. */
  release: Seconds
  /** From the verdict's due time: for the provider to redeem. */
  redeem: Seconds
  /** From then to the locktime T. */
  lock: Seconds
}

/** How good the weights are on the private holdout. */
export interface Score {
  metric: 'accuracy' | 'r2' | 'perplexity'
  value: number
  /** Mean cross-entropy in nats, or the root of the mean squared error in the scaled target's unit. */
  loss: number
}

/** What the customer decided before the job was announced. It never changes. */
export interface Plan {
  title: string
  spec: JobSpec
  parameters: number
  rounds: number
  /** Local steps in a full round. */
  steps: number
  pflopPerRound: number
  shards: { path: string; rows: number; bytes: number; sha256: string }[]
  /** How the shards were made: a new machine makes the same ones of the same file. */
  preparation: {
    target?: string
    task?: 'classification' | 'regression'
    skew?: { classesPerShard: number }
    as?: ReadAs
    text?: TextOptions
  }
  holdout: string
  encoding: string
  /** Of a text: its tokenizer.json, and how its documents were written. */
  text?: { tokenizer: string; layout: TextLayout }
  /** θ₀, the customer's, shared by all. */
  weights: string
  updateBytes: number
  /** Most it pays one provider for a full round. */
  maxPerRound: Sats
  /** Spent + locked + fees never exceed it. */
  cap: Sats
  quoted: Sats
  /** The share of steps and price of a stranger's first round. */
  strangers: number
  mint: string
  blossoms: string[]
  relays: string[]
  times: Times
  rho: number
  /** NIP-13 bits asked of a bid. */
  bidWork: number
  /** Unix time; a job that has no provider by then ends with what it has. */
  deadline: Seconds
  seed: number
  /** Play money of the practice network. */
  practice: boolean
  /** Receipts are published with every provider that agrees. */
  receipts?: boolean
  out: string
}

export interface StandingBid {
  /** The bid event's id. */
  id: string
  /** The provider's identity. */
  provider: string
  bid: Bid
  /** Rounds this home has paid that identity before; strangers have none. */
  known: number
}

export type WorkStatus =
  | 'locking'
  | 'locked'
  | 'sending'
  | 'sent'
  | 'delivered'
  | 'fetched'
  | 'measured'
  | 'releasing'
  | 'closed'

/** One provider's part in one round, from its lock to its last sat. */
export interface Work {
  round: number
  steps: number
  price: Sats
  status: WorkStatus
  /** T of its lock, set before the lock is made. */
  locktime: Seconds
  /** Unix times, once the round is sent. */
  times?: { startBy: Seconds; deadline: Seconds; releaseBy: Seconds; redeemBy: Seconds; locktime: Seconds }
  sentAt?: Seconds
  /** The blob of its token, where that was too long for an event. */
  token?: Manifest
  /** An update that came before this machine had sent the round: another one did, from the same checkpoint. */
  early?: Extract<CustomerFact, { type: 'update' }>
  arrivedAt?: Seconds
  /** How many updates of the job had come before it: seconds do not tell a copy from what it was copied from. */
  arrival?: number
  update?: { event: string; manifest: Manifest; losses: number[]; steps: number }
  /** The update's file, once downloaded. */
  path?: string
  figures?: Figures
  /** The customer's own run on this shard, asked for where the figures alone leave a doubt. */
  reference?: Reference | 'running'
  /** Arrived, or could be fetched, only after the round's aggregate closed: paid by the same rule, not used. */
  late?: boolean
  verdict?: {
    paid: 'full' | 'part' | 'none'
    sats: Sats
    used: boolean
    reason: string
    /** What decided, by plain names. */
    figures: Record<string, number>
    /** Nothing of it is held against the provider: a server may have failed both. */
    blameless?: boolean
  }
  lock: {
    status: 'none' | 'open' | 'refunding' | 'settled'
    locked: Sats
    fee: Sats
    released: Sats
    /** Of what was released, what its provider keeps after the mint's fee. */
    net?: Sats
    refunded: Sats
    /** How often taking it back was in vain, and when it may be tried again. */
    tries?: number
    notBefore?: Seconds
  }
  /** The provider's signatures that give the lock back. */
  givenBack?: { secret: string; signature: string }[]
}

/** One provider hired for one slot. */
export interface Engagement {
  key: string
  slot: number
  bid: StandingBid
  status: 'awarding' | 'asked' | 'accepted' | 'gone'
  /** The award event's id. */
  award?: string
  answerBy?: Seconds
  acceptedAt?: Seconds
  heardAt: Seconds
  shard?: Manifest
  /** A price the bid and the stranger's rule give for each round still to come. */
  works: Work[]
  gone?: { code: string; reason: string; told: boolean }
  /** Set once a receipt is due: how often it was too early for it, and until when to wait. */
  receipt?: { tries: number; notBefore: Seconds; published: boolean }
}

export type Phase =
  | 'planning'
  | 'hiring'
  | 'training'
  | 'exporting'
  | 'done'
  | 'cancelled'
  | 'failed'
  | 'fenced'

export interface CustomerJob {
  phase: Phase
  plan?: Plan
  epoch: number
  /** When the job was first announced. */
  announcedAt?: Seconds
  /** Id of the newest version of the job event. */
  version?: string
  /** Reply relays: those that took a probe signed by J. */
  relays: string[]
  bids: StandingBid[]
  slots: { engagement?: string; hired: number }[]
  engagements: Record<string, Engagement>
  /** The round under way; 0 before the first. */
  round: number
  roundOpenedAt?: Seconds
  /** Set while the round's aggregate is computed. */
  aggregating: boolean
  /** θ by round: `weights[r]` is what round r + 1 starts from. */
  weights: { path: string; manifest?: Manifest; score?: Score }[]
  /** The newest two checkpoints' state blobs: the one before the newest may still be what relays serve. */
  checkpoints: Manifest[]
  /** Why the last lock could not be made: nobody is hired anew until a lock has come back. */
  strapped?: string
  /** Set once no further round is to be opened: by the person, the deadline, or a plan that diverges. */
  stopping?: { code: 'cancelled' | 'failed'; reason: string }
  /** The person wants a pause: the round under way ends and is paid, nothing new begins until the job is taken up again. */
  paused: boolean
  /** When bids were last called for, how often again, and how many had been hired then; undefined when all of then are gone. */
  calledAt: Seconds
  calls: number
  calledWith: number | undefined
  /** When the last round was judged: only the model is still to be written. */
  trainedAt?: Seconds
  report?: unknown
  /** Why the model could not be written to its folder: the job waits, with its weights, to be taken up again. */
  unwritten?: string
  /** How often writing it was in vain. */
  vainExports: number
  /** Why the job ended as it did, for a person. */
  end?: { at: Seconds; reason: string }
  /** No announcement or checkpoint so far is dated later: of two that replace each other the newer must win. */
  stamp: Seconds
  /** Set while what came when this machine was away is still to be heard: nothing is decided before. */
  catchingUp: boolean
  /** Since when this machine listens without a break; nobody is silent by what happened before. */
  listeningSince: Seconds
  clock: Seconds
}

export const emptyJob: CustomerJob = {
  phase: 'planning',
  epoch: 1,
  relays: [],
  bids: [],
  slots: [],
  engagements: {},
  round: 0,
  aggregating: false,
  paused: false,
  calledAt: 0 as Seconds,
  calls: 0,
  calledWith: 0,
  weights: [],
  checkpoints: [],
  vainExports: 0,
  stamp: 0 as Seconds,
  catchingUp: false,
  listeningSince: 0 as Seconds,
  clock: 0 as Seconds,
}

export const ended = (job: CustomerJob): boolean =>
  job.phase === 'done' || job.phase === 'cancelled' || job.phase === 'failed' || job.phase === 'fenced'

/** Seconds from the announcement to the last round's verdicts, else to the end or to now; stops of the process included. */
export const secondsOf = ({ announcedAt, trainedAt, end, clock }: CustomerJob): Seconds =>
  ((trainedAt ?? end?.at ?? clock) - (announcedAt ?? clock)) as Seconds

/** Every work of the job, oldest first within an engagement. */
export const allWorks = (job: CustomerJob): { engagement: Engagement; work: Work }[] =>
  Object.values(job.engagements).flatMap(engagement => engagement.works.map(work => ({ engagement, work })))

/** Sats locked, paid, given back and lost to fees so far, in face values. */
export function money(job: CustomerJob): {
  locked: number
  paid: number
  refunded: number
  fees: number
  open: number
} {
  const total = { locked: 0, paid: 0, refunded: 0, fees: 0, open: 0 }
  for (const { work } of allWorks(job)) {
    total.locked += work.lock.locked
    total.paid += work.lock.released
    total.refunded += work.lock.refunded
    total.fees += work.lock.fee
    if (work.lock.status === 'open' || work.lock.status === 'refunding')
      total.open += work.lock.locked - work.lock.released - work.lock.refunded
  }
  return total
}
