import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'vitest'
import { type Compute, openCompute } from '../../src/core/compute/index.ts'
import { openHome, type TestHome, termsOn } from '../../src/core/jobs/home.test-support.ts'
import {
  type CustomerFact,
  type CustomerJob,
  type CustomerWatch,
  draft,
  type Engagement,
  findJobs,
  type Hired,
  money,
  type OpenJob,
  type Order,
  openJob,
  ProviderService,
  practiceTimes,
  recoverJob,
  type Terms,
  type Times,
} from '../../src/core/jobs/index.ts'
import { startLocalnet } from '../../src/core/localnet/index.ts'
import { sats, seconds } from '../../src/shared/units.ts'
import { type Cheat, onTrain } from './bent.test-support.ts'

/** A provider and what it did. */
export interface Actor {
  name: string
  home: TestHome
  service: ProviderService
  /** Calls of the task `train`. */
  trained: number
  /** Jobs it passed over, and why. */
  passed: string[]
  engagements(): Engagement[]
}

/** Enough for eight providers on two cores that are shared with others; short where only silence is waited for. */
export const stageTimes: Times = {
  ...practiceTimes,
  hiring: seconds(8),
  answer: seconds(60),
  start: seconds(60),
  heartbeat: seconds(60),
  round: seconds(90),
  release: seconds(20),
  redeem: seconds(10),
  lock: seconds(15),
}

const workerEntry = new URL('../../src/worker/index.ts', import.meta.url)

/** One practice network with real homes on it: what every test of this folder plays on. */
export async function openStage() {
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-cheats-'))
  const net = await startLocalnet({ folder: join(folder, 'net') })
  const closing: (() => Promise<void> | void)[] = []
  // The providers' worker processes, shared: a dozen engines would only slow each other.
  const compute: Compute = openCompute({ entry: workerEntry })
  closing.push(() => compute.close())

  async function home(
    name: string,
    cheat: Cheat = tools => tools,
    options: { mnemonic?: string } = {},
  ): Promise<TestHome> {
    const log = process.env.DEBUG ? { log: (line: string) => console.log(name, line) } : {}
    const opened = await openHome(join(folder, name), { ...log, ...options })
    closing.push(() => opened.close())
    return { ...opened, tools: cheat(opened.tools) }
  }

  return {
    net,
    folder,
    home,
    async customer(name = 'customer', cheat?: Cheat): Promise<TestHome> {
      const opened = await home(name, cheat)
      await (await opened.tools.wallet.topUp(net.mint, sats(10_000))).paid
      return opened
    },
    async provider(name: string, cheat: Cheat = tools => tools, terms: Partial<Terms> = {}): Promise<Actor> {
      const passed: string[] = []
      const actor = { name, trained: 0, passed }
      const counting: Cheat = tools =>
        onTrain(tools, (input, train) => {
          actor.trained++
          return train(input)
        })
      const opened = await home(name, tools => cheat(counting({ ...tools, compute })))
      const asked = { price: { perPflop: sats(1000), minimum: sats(40) }, device: name, ...terms }
      const service = new ProviderService(opened.tools, termsOn(net, asked), {
        onPass: (_, why) => void passed.push(why),
        onChange: (_, { phase }, { fact }) => process.env.DEBUG && console.log(name, fact.type, phase),
        onTrouble: (_, what, error) => process.env.DEBUG && console.log(name, what, error),
      })
      service.start()
      closing.push(() => service.close())
      const engagements = () => service.engagements.map(({ engagement }) => engagement)
      return Object.assign(actor, { home: opened, service, engagements })
    },
    /** A whole job, from its draft to its last sat. */
    async job(
      customer: TestHome,
      order: Partial<Order> & Pick<Order, 'dataset' | 'providers'>,
      watch: CustomerWatch = {},
    ) {
      const out = join(folder, `model-${Math.random()}`)
      const common = { mint: net.mint, blossoms: [net.blossom], relays: [net.relay], practice: true }
      const whole = { rounds: 3, out, times: stageTimes, seed: 7, ...common, ...order }
      const { id, plan } = await draft(whole, customer.tools)
      const running = openJob(id, customer.tools, watch, plan)
      closing.push(() => running.close())
      return { id, running, settled: running.runner.settled, out: whole.out, customer }
    },
    /** The customer's home stops where it is, and a new one goes on with its phrase and its dataset. */
    async takenOver(job: { id: string; running: OpenJob; customer: TestHome }, dataset: string) {
      await job.running.close()
      const customer = await home('new-home', undefined, { mnemonic: job.customer.mnemonic })
      const [lost] = await findJobs(customer.tools, [net.relay])
      const out = join(folder, 'new-model')
      await recoverJob(lost!, { dataset, out }, customer.tools) // it was announced
      const brought = customer.tools.journal.log(job.id).map(({ fact }) => fact as CustomerFact) // of its own job
      const running = openJob(job.id, customer.tools)
      closing.push(() => running.close())
      return { id: job.id, running, settled: running.runner.settled, out, customer, brought }
    },
    async close(): Promise<void> {
      for (const close of closing.reverse()) await close()
      await net.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
export type Stage = Awaited<ReturnType<typeof openStage>>

/** What a job came to. */
export interface Outcome {
  end: CustomerJob
  /** Of the model, on the holdout. */
  accuracy: number
  /** Every ledger agrees with the mint. */
  books(): Promise<void>
}

/** Waits for a job's last sat. @param actors  all who may have earned */
export async function outcomeOf(
  { settled, out, customer }: Awaited<ReturnType<Stage['job']>>,
  actors: readonly Actor[],
): Promise<Outcome> {
  const end = await settled
  const { metrics } = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
  return { end, accuracy: metrics.accuracy, books: () => expectBooksToBalance(end, customer, actors) }
}

/** What the customer of a job thinks of one provider's work in one round. */
export function hired(job: CustomerJob, actor: Actor): Hired[] {
  const { pubkey } = actor.home.tools.keyring.identity
  return Object.values(job.engagements).filter(engagement => engagement.bid.provider === pubkey)
}
export const worksOf = (job: CustomerJob, actor: Actor) => hired(job, actor).flatMap(({ works }) => works)
export const verdictsOf = (job: CustomerJob, actor: Actor) =>
  worksOf(job, actor).flatMap(({ verdict }) => verdict ?? [])

/** Every sat is somewhere, nothing is locked any more, and each party's ledger agrees with the mint. */
async function expectBooksToBalance(
  job: CustomerJob,
  customer: TestHome,
  actors: readonly Actor[],
): Promise<void> {
  const { locked, paid, refunded, open } = money(job)
  expect({ locked, open }).toEqual({ locked: paid + refunded, open: 0 })
  await expect
    .poll(() => actors.reduce((sum, { home }) => sum + home.tools.wallet.balance().earned, 0), {
      timeout: 60_000,
    })
    .toBe(paid)
  for (const { tools } of [customer, ...actors.map(actor => actor.home)]) {
    await tools.wallet.settle()
    expect(await tools.wallet.audit({ mints: true })).toEqual({ problems: [] })
  }
}

/**
 * A table of two overlapping clouds for each of four classes: neither linear nor noiseless, so that honest updates of
 * different shards differ.
 */
export function writeClouds(folder: string, rows: number): string {
  mkdirSync(folder, { recursive: true })
  const random = uniform(1)
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const centres = Array.from({ length: 8 }, () => Array.from({ length: 8 }, () => 1.4 * normal()))
  const lines = Array.from({ length: rows }, (_, i) => {
    const cloud = Math.floor(random() * centres.length)
    const cells = centres[cloud]!.map(x => (x + normal()).toFixed(4))
    return [`r${i}`, ...cells, 'abcd'[cloud >> 1]].join(',')
  })
  const path = join(folder, 'clouds.csv')
  const head = ['id', ...centres[0]!.map((_, i) => `x${i}`), 'label'].join(',')
  writeFileSync(path, [head, ...lines].join('\n'))
  return path
}

/** Park and Miller's generator: tests own their randomness. */
export function uniform(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 48271) % 2147483647
    return state / 2147483647
  }
}
