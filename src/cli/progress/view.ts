/** What a provider is at, as the customer sees it. */
export type ProviderState =
  | 'asked'
  | 'receiving'
  | 'waiting'
  | 'training'
  | 'delivered'
  | 'checking'
  | 'paid'
  | 'part-paid'
  | 'unpaid'
  | 'left'

export interface ProviderView {
  name: string
  round: number
  step: number
  /** Steps of its present round; 0 before it has one. */
  steps: number
  loss?: number
  state: ProviderState
}

/** Face values since the job began. */
interface SatsView {
  /** All that was ever locked: paid, come back, or in locks now. */
  locked: number
  paid: number
  refunded: number
  fees: number
  cap: number
}

/** All that the live display shows; made from the job's state, holds no state of its own. */
export interface ProgressView {
  /** What the job is at when no round is under way: `preparing the data`, `waiting for bids`. */
  doing?: string
  /** 0 before the first. */
  round: number
  rounds: number
  providers: ProviderView[]
  /** On data never trained on, after each closed round. */
  losses: number[]
  sats: SatsView
  secondsLeft?: number
  /** The sats are play money. */
  practice: boolean
}

/** How much of the job is done, 0 to 1: closed rounds and the steps of the one under way. */
export function shareDone({ round, rounds, providers, losses }: ProgressView): number {
  if (rounds === 0 || round === 0) return 0
  const atWork = providers.filter(p => p.round === round && p.state !== 'left' && p.steps > 0)
  const steps = atWork.reduce((sum, p) => sum + p.steps, 0)
  const done = atWork.reduce((sum, p) => sum + Math.min(p.step, p.steps), 0)
  const underWay = round - 1 + (steps === 0 ? 0 : done / steps)
  // After the last round nobody is at work any more.
  return Math.min(1, Math.max(underWay, losses.length) / rounds)
}

export const stateWords: Record<ProviderState, string> = {
  asked: 'asked',
  receiving: 'getting data',
  waiting: 'waiting',
  training: 'training',
  delivered: 'delivered',
  checking: 'being checked',
  paid: 'paid',
  'part-paid': 'paid in part',
  unpaid: 'not paid',
  left: 'left',
}

/** What is locked at this moment. */
export const inLocks = ({ locked, paid, refunded }: SatsView): number => Math.max(0, locked - paid - refunded)

/** `provider 2` before `provider 10`. */
export const byName = (a: { name: string }, b: { name: string }): number =>
  a.name.localeCompare(b.name, 'en', { numeric: true })
