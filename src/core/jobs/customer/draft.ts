import { randomBytes, randomInt } from 'node:crypto'
import { mkdirSync, rmSync } from 'node:fs'
import { basename, join, relative } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import { type Sats, sats, seconds } from '../../../shared/units.ts'
import type { Prepared, ReadAs, TextOptions } from '../../datasets/index.ts'
import type { LocalModel } from '../../local/index.ts'
import { LIVE_LOCK_MARGIN } from '../../market/index.ts'
import type { SilentRelay } from '../../nostr/index.ts'
import { type Augment, flopsPerStep } from '../../training/index.ts'
import type { Tools } from '../tools.ts'
import { liveOffers } from './offers.ts'
import { capOf, fits, type Quote, quote } from './quote.ts'
import { recipeFor, stepsFor } from './recipe.ts'
import type { Plan, Times } from './state.ts'

/** What a person asks for. */
export interface Order {
  dataset: string
  target?: string
  task?: 'classification' | 'regression'
  /** How the file is to be read, and how a text becomes tokens, where its content shall not decide. */
  as?: ReadAs
  text?: TextOptions
  /** The model; what the dataset's kind suggests when left out. */
  model?: LocalModel
  /** The part of the values that each step leaves out. */
  dropout?: number
  /** Of pictures: what becomes of them while training. */
  augment?: Augment
  providers: number
  rounds: number
  /** The hard cap; without one, the quote and a reserve for replacements. */
  budget?: Sats
  mint: string
  blossoms: string[]
  relays: string[]
  /** The sats are play money. */
  practice: boolean
  /** Publishes receipts with every provider that agrees. */
  receipts?: boolean
  /** The model's folder. */
  out: string
  times: Times
  seed?: number
  skew?: { classesPerShard: number }
}

/** A job that has cost nothing yet: encoded, planned and quoted. */
export interface Draft {
  id: string
  plan: Plan
  quote: Quote
  prepared: Prepared
}

export type DraftStep = 'preparing' | 'planning' | 'asking'

export interface DraftWatch {
  signal?: AbortSignal
  onStep?: (step: DraftStep) => void | Promise<void>
  /** Told of relays that did not answer, where others did. */
  onSilent?: (relays: SilentRelay[]) => void
}

/** The share of steps and price of a stranger's first round (docs/protocol.md). */
const strangers = 0.25
/** A job that is not trained by then ends with what it has. */
const longestJob = 7 * 24 * 3600
/** How long offers are waited for. */
const patienceMs = 15_000

/**
 * Encodes the dataset, plans the job and asks the market for its price. Nothing is published or locked.
 * @throws UserError of the dataset; `nostr/unreachable`; `market/no-offers`; `job/budget`; `job/balance`
 */
export async function draft(order: Order, tools: Tools, watch: DraftWatch = {}): Promise<Draft> {
  const { signal, onStep } = watch
  const id = randomBytes(16).toString('hex')
  const folder = tools.folder(id)
  try {
    await onStep?.('preparing')
    const { prepared, seed } = await prepare(order, folder, tools, signal)
    await onStep?.('planning')
    const plan = await plans(order, prepared, seed, folder, tools, signal)
    await onStep?.('asking')
    const found = await ask(order, plan, tools, watch)
    const cap = capOf(found, order.budget)
    checkBalance(order, found, tools)
    return {
      id,
      plan: { ...plan, cap, quoted: found.total, maxPerRound: found.maxPerRound },
      quote: found,
      prepared,
    }
  } catch (error) {
    rmSync(folder, { recursive: true, force: true })
    throw error
  }
}

const preparationOf = ({ target, task, skew, as, text }: Order): Plan['preparation'] => ({
  ...(target === undefined ? {} : { target }),
  ...(task === undefined ? {} : { task }),
  ...(skew === undefined ? {} : { skew }),
  ...(as === undefined ? {} : { as }),
  ...(text === undefined ? {} : { text }),
})

async function prepare(order: Order, folder: string, { compute }: Tools, signal?: AbortSignal) {
  mkdirSync(folder, { recursive: true })
  const seed = order.seed ?? randomInt(2 ** 31)
  const prepared = await compute.run(
    'prepare',
    {
      path: order.dataset,
      ...preparationOf(order),
      out: join(folder, 'data'),
      shards: order.providers,
      seed,
    },
    signal ? { signal } : {},
  )
  return { prepared, seed }
}

async function plans(
  order: Order,
  prepared: Prepared,
  seed: number,
  folder: string,
  { compute, now }: Tools,
  signal?: AbortSignal,
): Promise<Plan> {
  const rowsPerShard = Math.min(...prepared.shards.map(shard => shard.rows))
  const spec = recipeFor(prepared, order)
  const weights = join(folder, 'weights', '0.safetensors')
  mkdirSync(join(folder, 'weights'), { recursive: true })
  const { parameters, size } = await compute.run(
    'initialWeights',
    { spec, seed, out: weights },
    signal ? { signal } : {},
  )
  const steps = stepsFor(spec, rowsPerShard)
  return {
    title: titleOf(order.dataset),
    spec,
    parameters,
    rounds: order.rounds,
    steps,
    pflopPerRound: (steps * flopsPerStep(spec)) / 1e15,
    shards: prepared.shards.map(shard => ({ ...shard, path: relative(folder, shard.path) })),
    preparation: preparationOf(order),
    holdout: relative(folder, prepared.holdout),
    encoding: relative(folder, prepared.encoding),
    ...(prepared.kind === 'text'
      ? { text: { tokenizer: relative(folder, prepared.tokenizer), layout: prepared.layout } }
      : {}),
    weights: relative(folder, weights),
    updateBytes: size,
    maxPerRound: sats(0),
    cap: sats(0),
    quoted: sats(0),
    strangers,
    mint: order.mint,
    blossoms: order.blossoms,
    relays: order.relays,
    times: order.times,
    rho: 0.5,
    bidWork: 8,
    deadline: seconds(now() + longestJob),
    seed,
    practice: order.practice,
    ...(order.receipts ? { receipts: true } : {}),
    out: order.out,
  }
}

/** The title of a job about the digits. */
export const MNIST = 'MNIST'

/** A file's name says nothing of what is in it, but it may say too much: the market sees the kind of data alone. */
const titleOf = (dataset: string): string =>
  dataset === 'mnist' ? MNIST : `A dataset (${extension(dataset)})`
const extension = (path: string): string =>
  basename(path)
    .match(/\.([a-z0-9]{1,8})$/i)?.[1]
    ?.toLowerCase() ?? 'folder'

async function ask(order: Order, plan: Plan, tools: Tools, { signal, onSilent }: DraftWatch): Promise<Quote> {
  const demand = {
    providers: order.providers,
    rounds: order.rounds,
    pflopPerRound: plan.pflopPerRound,
    shardBytes: Math.max(...plan.shards.map(shard => shard.bytes)),
    mint: order.mint,
    blossoms: order.blossoms,
    strangers,
    acquainted: (provider: string) => tools.acquaintances.of(provider, 'provider').roundsPaid > 0,
  }
  const enough = (offers: Parameters<typeof fits>[1][]) =>
    new Set(offers.filter(offer => fits(demand, offer)).map(({ provider }) => provider)).size >=
    order.providers
  const offers = await liveOffers(tools, order.relays, enough, {
    patienceMs,
    ...(signal ? { signal } : {}),
    ...(onSilent ? { onSilent } : {}),
  })
  // What a lock costs beyond its price: the provider's fee to redeem it, locked with it, and the mint's for making it.
  const fees = new Map<Sats, number>()
  const prices = new Set(
    offers.flatMap(({ offer }) => {
      const full = Math.max(offer.price.minimum, Math.ceil(plan.pflopPerRound * offer.price.perPflop))
      return [sats(full), sats(Math.ceil(full * strangers))]
    }),
  )
  for (const price of prices) {
    const { amount, fee } = await tools.wallet.quoteLock(order.mint, price)
    fees.set(price, amount - price + fee)
  }
  return quote(demand, offers, price => fees.get(price) ?? 0)
}

function checkBalance({ mint }: Order, { total }: Quote, { wallet }: Tools): void {
  const available = wallet.balance().mints[mint]?.available ?? sats(0)
  if (available >= total) return
  throw new UserError('job/balance', {
    message: `This job would cost up to ${total} sats; the wallet holds ${available} sats at ${mint}.`,
    fix: `Top up with \`gradstr wallet topup ${total - available}\`. Nothing was locked or spent.`,
  })
}

/** A day of grace between redeem_by and T; what the live network asks for. */
export const liveTimes: Times = {
  hiring: seconds(30),
  answer: seconds(120),
  start: seconds(300),
  heartbeat: seconds(180),
  round: seconds(900),
  release: seconds(6 * 3600),
  redeem: seconds(12 * 3600),
  lock: seconds(LIVE_LOCK_MARGIN),
}

/** The practice network's: play money on one machine, so that what a killed provider holds is back within minutes. */
export const practiceTimes: Times = {
  hiring: seconds(2),
  answer: seconds(10),
  start: seconds(20),
  heartbeat: seconds(30),
  round: seconds(60),
  release: seconds(60),
  redeem: seconds(30),
  lock: seconds(60),
}
