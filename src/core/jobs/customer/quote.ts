import { UserError } from '../../../shared/errors.ts'
import { type Sats, sats } from '../../../shared/units.ts'
import type { Offer } from '../../market/index.ts'

/** A provider's live offer, as found on the relays. */
export interface LiveOffer {
  provider: string
  offer: Offer
}

export interface Demand {
  providers: number
  rounds: number
  pflopPerRound: number
  shardBytes: number
  mint: string
  blossoms: string[]
  strangers: number
  /** Whether a provider was paid before: it is no stranger, and its first round is a full one. */
  acquainted: (provider: string) => boolean
}

/** What a job would cost at the offers that are live now. */
export interface Quote {
  /** What each chosen provider asks for a full round, cheapest first. */
  prices: Sats[]
  /** Strangers' first rounds are shorter and cheaper. */
  work: Sats
  /** Most the mint may take for making and taking back the locks. */
  fees: Sats
  total: Sats
  maxPerRound: Sats
  /** Most seconds a round's compute takes at the chosen offers' measured speed. */
  secondsPerRound: number
  /** Live offers that fit. */
  offers: number
}

/** Replacements may ask so much more than the dearest provider of the quote. */
const headroom = 1.5

/** Whether this offer's provider would bid, by what it says of itself. */
export function fits(demand: Demand, { offer }: LiveOffer): boolean {
  return (
    offer.mints.includes(demand.mint) &&
    offer.blossoms.some(server => demand.blossoms.includes(server)) &&
    offer.maxDownload >= demand.shardBytes &&
    offer.strangers.fraction >= demand.strangers
  )
}

/**
 * @param fee  what one lock of this price costs beyond the price, at most (the mint's input fees), in sats
 * @throws UserError `market/no-offers` when nobody fits
 */
export function quote(demand: Demand, offers: LiveOffer[], fee: (price: Sats) => number): Quote {
  const priced = offers
    .filter(offer => fits(demand, offer))
    .map(({ provider, offer }) => ({
      first: demand.acquainted(provider) ? 1 : demand.strangers,
      price: sats(Math.max(offer.price.minimum, Math.ceil(demand.pflopPerRound * offer.price.perPflop))),
      seconds:
        (demand.pflopPerRound * 1e15) / Math.max(...offer.engines.map(engine => engine.flopsPerSecond)),
    }))
    .sort((a, b) => a.price - b.price)
  const cheapest = priced.slice(0, demand.providers)
  const dearest = cheapest.at(-1)
  if (!dearest)
    throw new UserError('market/no-offers', {
      message: `None of the ${offers.length} live offers on these relays fits this job (mint, Blossom server, download limit).`,
      fix: 'Wait for providers, or name other relays, mints and Blossom servers.',
    })
  // Slots without an offer yet are reckoned at the dearest price known.
  const chosen = Array.from({ length: demand.providers }, (_, i) => cheapest[i] ?? dearest)
  const prices = chosen.map(({ price }) => price)
  const locks = chosen.flatMap(({ price, first }) => [
    sats(Math.ceil(price * first)),
    ...Array.from({ length: demand.rounds - 1 }, () => price),
  ])
  const work = sum(locks)
  const fees = sum(locks.map(fee))
  return {
    prices,
    work: sats(work),
    fees: sats(fees),
    total: sats(work + fees),
    maxPerRound: sats(Math.ceil(dearest.price * headroom)),
    secondsPerRound: Math.max(...cheapest.map(offer => offer.seconds)),
    offers: priced.length,
  }
}

const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0)

/**
 * The hard cap of a job: the budget, or, where none is given, the quote and a reserve for replacements.
 * @throws UserError `job/budget` when the budget cannot cover the quote; nothing is locked by then
 */
export function capOf(found: Quote, budget: Sats | undefined): Sats {
  if (budget === undefined) return sats(Math.ceil(found.total * 1.25))
  if (budget >= found.total) return budget
  throw new UserError('job/budget', {
    message: `This job would cost ${found.total} sats (${found.work} for the work, up to ${found.fees} in fees); --budget allows ${budget}.`,
    fix: `Raise --budget to ${found.total} or more, or ask for fewer --rounds or --providers. Nothing was locked or spent.`,
  })
}
