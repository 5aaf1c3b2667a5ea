import { describe, expect, it } from 'vitest'
import { sats, seconds } from '../../../shared/units.ts'
import { planOf } from './fold.test-support.ts'
import { rank, unfit } from './hiring.ts'
import { type CustomerJob, emptyJob, type StandingBid } from './state.ts'

const plan = planOf(2, 3)
const job: CustomerJob = { ...emptyJob, plan, clock: seconds(1000) }

const standing = (id: string, bid: Partial<StandingBid['bid']> = {}, known = 0): StandingBid => ({
  id,
  provider: id,
  known,
  bid: {
    job: 'the job',
    version: 'v',
    offer: { id: 'o', d: 'default' },
    key: `P of ${id}`,
    payments: 'xpub',
    perRound: sats(10),
    secondsPerRound: seconds(5),
    mints: [plan.mint],
    validUntil: seconds(5000),
    ...bid,
  },
})

describe('a bid', () => {
  it('is taken when nothing speaks against it', () => {
    expect(unfit(job, plan, standing('a'))).toBeUndefined()
  })

  it.each<[string, Partial<StandingBid['bid']>, RegExp]>([
    ['expired', { validUntil: seconds(1000) }, /expired/],
    ['dearer than the job pays', { perRound: sats(101) }, /more than 100/],
    ['paid at another mint', { mints: ['http://127.0.0.1:9'] }, /no mint/],
    ['too slow to end a round before the job does', { secondsPerRound: seconds(400_000) }, /longer than/],
  ])('is passed over when it is %s', (_, bid, why) => {
    expect(unfit(job, plan, standing('a', bid))).toMatch(why)
  })

  it('comes before a dearer one, a stranger’s after a known one’s, a slower one last', () => {
    const dear = standing('dear', { perRound: sats(11) }, 9)
    const known = standing('known', {}, 1)
    const fast = standing('fast', { secondsPerRound: seconds(1) })
    const slow = standing('slow')
    expect([slow, dear, fast, known].sort(rank).map(({ id }) => id)).toEqual([
      'known',
      'fast',
      'slow',
      'dear',
    ])
  })
})
