import { type Context, sum } from './context.ts'
import { OperationFailed } from './engine.ts'
import type { Mint } from './mints.ts'
import type { Quotes } from './quotes.ts'
import { checkTopUp } from './top-up.ts'

/** Seconds until a mint that did not answer is asked again: 2, 4, 8, … */
const LONGEST_PAUSE = 300

type Settle = () => Promise<void>

/**
 * Brings everything unfinished nearer to its end: swaps, payments, top-ups, and releases that providers have redeemed.
 * Never throws for a mint that is down; that one is left alone for a while, ever longer.
 */
export function createSettle(context: Context, quotes: Quotes): Settle {
  const pauses = new Map<string, { failures: number; until: number }>()

  async function patiently(url: string, work: () => Promise<unknown>): Promise<void> {
    const pause = pauses.get(url)
    if (pause && context.now() < pause.until) return
    try {
      await work()
      pauses.delete(url)
    } catch (error) {
      if (error instanceof OperationFailed) return
      const failures = (pause?.failures ?? 0) + 1
      pauses.set(url, { failures, until: context.now() + Math.min(LONGEST_PAUSE, 2 ** failures) })
      context.log('settle: not yet', {
        mint: url,
        why: error instanceof Error ? error.message : String(error),
      })
    }
  }

  async function settleMint(url: string): Promise<void> {
    const operations = context.operations.open().filter(o => o.mint === url && o.purpose !== 'mint')
    for (const { id } of operations) await patiently(url, () => context.engine.advance(id))
    for (const quote of quotes.incoming().filter(q => q.mint === url))
      await patiently(url, () => checkTopUp(context, quotes, quote))
    await patiently(url, async () => notePaid(context, await context.mints.load(url)))
  }

  return async () => {
    const busy = [
      ...context.operations.open().map(o => o.mint),
      ...quotes.incoming().map(q => q.mint),
      ...context.locks.outstanding().map(p => p.mint),
    ]
    await Promise.all([...new Set(busy)].map(settleMint))
  }
}

/** NUT-07: what providers have redeemed is paid. */
async function notePaid(context: Context, mint: Mint): Promise<void> {
  const ys = context.locks.outstanding().filter(p => p.mint === mint.url)
  if (ys.length === 0) return
  const states = await mint.client.states(ys.map(p => p.y))
  context.db.transaction(() => {
    const spent = context.locks.outstanding().filter(p => p.mint === mint.url && states.get(p.y) === 'SPENT')
    for (const id of new Set(spent.map(p => p.lock))) {
      const mine = spent.filter(p => p.lock === id)
      const [released, locked] = [
        sum(mine.filter(p => p.state === 'released')),
        sum(mine.filter(p => p.state === 'locked')),
      ]
      context.locks.setProofs(
        id,
        mine.map(p => p.y),
        'paid',
      )
      context.ledger.record('redeemed by the provider', id, mint.url, {
        released: -released,
        locked: -locked,
        paid: released + locked,
      })
    }
  })
  context.step('paid')
}
