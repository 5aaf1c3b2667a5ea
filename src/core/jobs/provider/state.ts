import { type Sats, type Seconds, sats } from '../../../shared/units.ts'
import type { Manifest } from '../../blobs/index.ts'
import type { Award, Bid, Job, Leave, Round, Verdict } from '../../market/index.ts'

/** What the provider decided before it bid; it never changes. */
export interface Candidate {
  /** The customer's identity. */
  customer: string
  job: Job
  /** The job's coordinate `36450:<pubkey>:<d>`, and the id of the version that is answered. */
  coordinate: string
  version: string
  bid: Bid
  /** Rounds that this customer has paid this home before. */
  known: number
  /** The share of a round that a stranger may ask at first. */
  strangers: number
  /** The customer's relays for replies. */
  relays: string[]
  blossoms: string[]
  /** Least seconds between redeem_by and T that this provider takes. */
  leastLock: Seconds
}

type ShareStatus =
  /** It came while the round before it was open, and begins once that is redeemed. */
  'held' | 'checking' | 'fetching' | 'training' | 'uploading' | 'sending' | 'sent' | 'redeeming' | 'closed'

/** This provider's part in one round. */
export interface Share {
  /** The round event's id. */
  event: string
  /** The event's own time: its deadlines count from there. */
  askedAt: Seconds
  round: Round
  status: ShareStatus
  result?: { steps: number; losses: number[]; checkpoints: string[]; path: string }
  /** The update's, once it is on a server. */
  manifest?: Manifest
  /** When the update was handed to the relays. */
  sentAt?: Seconds
  verdict?: Verdict
  redeemed?: Sats
  /** Delivered in time, and nothing was released for it. */
  owed?: boolean
  fee?: Sats
}

export type Phase = 'bidding' | 'waiting' | 'deciding' | 'engaged' | 'over'

/** The provider's side of one engagement, from its bid to its last sat. */
export interface Engagement {
  phase: Phase
  candidate?: Candidate
  /** The bid event's id. */
  bid?: string
  award?: { id: string; content: Award; at: Seconds }
  /** The customer's good-bye, where it came before the award that it is about. */
  parting?: Leave
  epoch: number
  shard?: { path: string }
  shares: Share[]
  /** Set once this side has said good-bye, or heard it. */
  end?: { at: Seconds; code: string; reason: string; mine: boolean }
  clock: Seconds
}

export const emptyEngagement: Engagement = { phase: 'bidding', epoch: 0, shares: [], clock: 0 as Seconds }

/** The share that is under way or owed: the first that is not settled. */
export const openShare = ({ shares }: Engagement): Share | undefined =>
  shares.find(({ status }) => status !== 'closed')

/** The share that waits behind the open one. */
export const heldShare = ({ shares }: Engagement): Share | undefined =>
  shares.find(({ status }) => status === 'held')

export const isDelivered = ({ sentAt, round }: Share): boolean =>
  sentAt !== undefined && sentAt <= round.times.deadline

/** Whether what was redeemed is the price that was agreed; the mint's fee is in the lock, beside it. */
export const isWhole = ({ round, redeemed = sats(0) }: Share): boolean => redeemed >= round.price

/** Longest wait for the next round, after the last verdict: the customer may be waiting for others. */
export const idlePatience = 3600
