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
  /** What the same job would cost with every slot at the market's price: what a job without a budget may cost at most. */
  atMarket: Sats
  maxPerRound: Sats
  /** Most seconds a round's compute takes at the chosen offers' measured speed. */
  secondsPerRound: number
  /** Providers whose live offers fit. */
  offers: number
}

/** Providers may ask so much more than what is asked on the market: some are dearer, and the cheap may be taken. */
const headroom = 1.5
/** Of the quote, beside it: for replacements. */
const reserve = 1.25

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
 * The price is that of the cheapest offers, since the cheapest bids are hired. What a provider may ask at most does not
 * follow them alone, or a few false cheap offers would keep everyone else from bidding: it follows the market's price, the
 * median over all providers (one identity, one offer), and that of those who have worked for this home before, who
 * cannot be made up. Only a majority of false identities can press it, and only where nobody is known.
 * @param fee  what one lock of this price costs beyond the price, at most (the mint's input fees), in sats
 * @throws UserError `market/no-offers` when nobody fits
 */
export function quote(demand: Demand, offers: LiveOffer[], fee: (price: Sats) => number): Quote {
  const priced = pricedOf(demand, offers)
  const cheapest = priced.slice(0, demand.providers)
  const dearest = cheapest.at(-1)
  if (!dearest)
    throw new UserError('market/no-offers', {
      message: `None of the ${offers.length} live offers on these relays fits this job (mint, Blossom server, download limit).`,
      fix: 'Wait for providers, or name other relays, mints and Blossom servers.',
    })
  // Slots without an offer yet are reckoned at the dearest price known.
  const chosen = Array.from({ length: demand.providers }, (_, i) => cheapest[i] ?? dearest)
  const { work, fees } = costOf(demand, chosen, fee)
  const market = Math.max(dearest.price, medianPrice(priced), medianPrice(priced.filter(p => p.known)))
  const atMarket = costOf(
    demand,
    chosen.map(offer => ({ ...offer, price: sats(market) })),
    fee,
  )
  return {
    prices: chosen.map(({ price }) => price),
    work: sats(work),
    fees: sats(fees),
    total: sats(work + fees),
    atMarket: sats(atMarket.work + atMarket.fees),
    maxPerRound: sats(Math.ceil(market * headroom)),
    secondsPerRound: Math.max(...cheapest.map(offer => offer.seconds)),
    offers: priced.length,
  }
}

interface Priced {
  provider: string
  /** Paid by this home before: no stranger. */
  known: boolean
  price: Sats
  /** Of a full round's compute. */
  seconds: number
}

/** What each provider whose offers fit asks for a full round, cheapest first. Of several offers its cheapest counts. */
function pricedOf(demand: Demand, offers: LiveOffer[]): Priced[] {
  const cheapest = new Map<string, Priced>()
  for (const { provider, offer } of offers.filter(offer => fits(demand, offer))) {
    const price = sats(Math.max(offer.price.minimum, Math.ceil(demand.pflopPerRound * offer.price.perPflop)))
    if (price >= (cheapest.get(provider)?.price ?? Number.POSITIVE_INFINITY)) continue
    const speed = Math.max(...offer.engines.map(engine => engine.flopsPerSecond))
    const known = demand.acquainted(provider)
    cheapest.set(provider, { provider, known, price, seconds: (demand.pflopPerRound * 1e15) / speed })
  }
  return [...cheapest.values()].sort((a, b) => a.price - b.price)
}

/** The upper one of two in the middle; 0 of none. @param priced  ascending */
const medianPrice = (priced: Priced[]): number => priced[Math.floor(priced.length / 2)]?.price ?? 0

/** One lock a round and provider; a stranger's first round is short. */
function costOf(
  { rounds, strangers }: Demand,
  chosen: Priced[],
  fee: (price: Sats) => number,
): { work: number; fees: number } {
  const locks = chosen.flatMap(({ price, known }) => [
    sats(Math.ceil(price * (known ? 1 : strangers))),
    ...Array.from({ length: rounds - 1 }, () => price),
  ])
  return { work: sum(locks), fees: sum(locks.map(fee)) }
}

const sum = (numbers: number[]): number => numbers.reduce((a, b) => a + b, 0)

/**
 * The hard cap of a job: the budget, or, where none is given, the quote and a reserve for replacements, or the cost at the
 * market's price where that is more. The person is told it with the quote.
 * @throws UserError `job/budget` when the budget cannot cover the quote; nothing is locked by then
 */
export function capOf(found: Quote, budget: Sats | undefined): Sats {
  if (budget === undefined) return sats(Math.max(Math.ceil(found.total * reserve), found.atMarket))
  if (budget >= found.total) return budget
  throw new UserError('job/budget', {
    message: `This job would cost ${found.total} sats (${found.work} for the work, up to ${found.fees} in fees); --budget allows ${budget}.`,
    fix: `Raise --budget to ${found.total} or more, or ask for fewer --rounds or --providers. Nothing was locked or spent.`,
  })
}
