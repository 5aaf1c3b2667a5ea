import { join } from 'node:path'
import {
  allWorks,
  type CustomerFact,
  type CustomerJob,
  customerMachine,
  type Engagement,
  money,
  openJournal,
  providerMachine,
  replay,
} from '../../src/core/jobs/index.ts'
import { openWallet } from '../../src/core/payments/index.ts'
import { type Database, migrate, openDatabase } from '../../src/core/store/index.ts'

/** Reads a home's database in this process, once no other one works there. The seed makes secrets; none is made here. */
async function reading<T>(home: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(join(home, 'gradstr.db'))
  try {
    migrate(db)
    return await work(db)
  } finally {
    db.close()
  }
}

/** What the ledger of a home says against itself; with `mints` also what the mints say against it. */
export const problemsOf = (home: string, options: { mints?: boolean } = {}): Promise<string[]> =>
  reading(home, async db => {
    const wallet = await openWallet({ db, seed: new Uint8Array(64) })
    try {
      // Notes what providers have redeemed since its owner looked last.
      if (options.mints) await wallet.settle()
      return (await wallet.audit(options)).problems
    } finally {
      wallet.close()
    }
  })

export const balanceOf = (home: string) =>
  reading(home, async db => {
    const wallet = await openWallet({ db, seed: new Uint8Array(64) })
    wallet.close()
    return wallet.balance()
  })

export const jobsOf = (home: string): Promise<{ id: string; job: CustomerJob; closed: boolean }[]> =>
  reading(home, async db => {
    const journal = openJournal(db)
    return journal.jobs('customer').map(({ id, closedAt }) => ({
      id,
      job: replay(customerMachine, journal.log<CustomerFact>(id)),
      closed: closedAt !== null,
    }))
  })

export const engagementsOf = (home: string): Promise<Engagement[]> =>
  reading(home, async db => {
    const journal = openJournal(db)
    return journal.jobs('provider').map(({ id }) => replay(providerMachine, journal.log(id)))
  })

/** Sats that the mint owes to whoever holds them: signed and not yet spent. */
function owedBy(mintDatabase: string): number {
  const db = openDatabase(mintDatabase)
  const sum = (table: string): number =>
    db.prepare<{ n: number | null }>(`select sum(amount) n from ${table}`).get()?.n ?? 0
  try {
    return sum('signature') - sum('spent')
  } finally {
    db.close()
  }
}

export interface Accounts {
  /** The customers' homes; of several with one recovery phrase only the one that is at work. */
  customers: string[]
  providers: string[]
  mintDatabase: string
  /** What the customers were funded with; unknown to a home that took over from another one. */
  funded?: number
}

/**
 * Everything that must hold about money once a market is quiet, as a list of what does not: every ledger adds up and
 * agrees with the mint, no sat is lost or made, what customers paid is what providers earned, and nobody was paid
 * twice for a round.
 */
export async function wrongs({ customers, providers, mintDatabase, funded }: Accounts): Promise<string[]> {
  const wrong: string[] = []
  const same = (what: string, a: number, b: number): void => {
    if (a !== b) wrong.push(`${what}: ${a} is not ${b}`)
  }
  const total = { held: 0, paid: 0, earned: 0, fees: 0 }
  for (const home of [...customers, ...providers]) {
    for (const problem of await problemsOf(home, { mints: true })) wrong.push(`${home}: ${problem}`)
    const { available, locked, released, pendingIn, pendingOut, paid, earned, fees } = await balanceOf(home)
    total.held += available + locked + released + pendingIn + pendingOut
    total.paid += paid
    total.earned += earned
    total.fees += fees
  }
  same('held by all homes, and owed by the mint', total.held, owedBy(mintDatabase))
  same('paid by customers, and earned by providers', total.paid, total.earned)
  if (funded !== undefined) same('held and paid in fees, and funded', total.held + total.fees, funded)
  for (const home of customers) {
    const { paid } = await balanceOf(home)
    const jobs = await jobsOf(home)
    same(
      'paid by the ledger, and by the jobs’ logs',
      paid,
      jobs.reduce((n, { job }) => n + money(job).paid, 0),
    )
    for (const { id, job } of jobs) wrong.push(...wrongsOf(id, job))
  }
  return wrong
}

function wrongsOf(id: string, job: CustomerJob): string[] {
  const { locked, paid, refunded, open, fees } = money(job)
  const paidRounds = allWorks(job)
    .filter(({ work }) => work.lock.released > 0)
    .map(({ engagement, work }) => `${engagement.bid.provider}:${work.round}`)
  return [
    ...(locked === paid + refunded + open
      ? []
      : [`job ${id}: locked ${locked}, paid ${paid}, back ${refunded}`]),
    ...(new Set(paidRounds).size === paidRounds.length ? [] : [`job ${id}: a round was paid twice`]),
    ...(job.plan && locked - refunded + fees > job.plan.cap
      ? [`job ${id}: more than its cap was spent`]
      : []),
  ]
}
