import { describe, expect, it } from 'vitest'
import { type Bytes, sats, seconds } from '../../../shared/units.ts'
import type { Award, Round } from '../../market/index.ts'
import { rowsSpec } from '../../training/index.ts'
import { manifestOf } from '../customer/fold.test-support.ts'
import { providerMachine } from './advance.ts'
import { candidate, J, round, Side, spec, verdict } from './fold.test-support.ts'
import type { ProviderEffect } from './log.ts'

const answerOf = (side: Side) =>
  side.effects.get('answer') as Extract<ProviderEffect, { type: 'answer' }> | undefined

describe('the provider’s fold', () => {
  it('works round after round, each only after the one before is redeemed', () => {
    const side = new Side().hired().round(1).works(1).verdict(1, 'full').redeemed(1).round(2)
    expect(answerOf(side)).toMatchObject({ accept: true })
    expect([...side.effects.keys()]).toEqual(
      expect.arrayContaining(['check-lock:1', 'train:1', 'send-update:1', 'redeem:1', 'check-lock:2']),
    )
  })

  it('does not accept an award whose good-bye it heard first, for then nobody waits for it', () => {
    const leave = {
      award: 'award',
      code: 'silent',
      reason: 'The provider did not answer the award.',
    } as const
    const bye = (from: string, award: string) =>
      ({ type: 'leave', event: 'bye', from, leave: { ...leave, award } }) as const
    const heardBefore = (from: string, award: string) =>
      new Side().tell('considered', { type: 'considered', candidate }).tell('bye', bye(from, award)).hired()
    const side = heardBefore(J, 'award')
    expect(side.state.end).toMatchObject({ code: 'silent', reason: leave.reason, mine: false })
    expect([...side.effects.keys()]).toEqual(['bid', 'clean-up'])
    for (const other of [heardBefore('stranger', 'award'), heardBefore(J, 'another')])
      expect(answerOf(other)).toMatchObject({ accept: true })
  })

  it('holds a round that overtook the verdict on the one before, and works it once that is redeemed', () => {
    const side = new Side().hired().round(1).works(1).round(2)
    expect(side.effects.has('check-lock:2')).toBe(false)
    expect(side.state.end).toBeUndefined()
    expect(side.verdict(1, 'full').effects.has('check-lock:2')).toBe(false)
    expect(side.redeemed(1).effects.has('check-lock:2')).toBe(true)
  })

  it('leaves a customer whose last round is not redeemed by the deadline of the next', () => {
    const side = new Side().hired().round(1).works(1).round(2)
    side.clock = providerMachine.wakeAt(side.state)!
    expect(side.clock).toBe(round(2).times.deadline + 1)
    side.tell('tick', { type: 'tick' })
    expect(side.state.end).toMatchObject({ code: 'error', reason: expect.stringMatching(/not redeemed/) })
    expect(side.effects.has('give-back:2')).toBe(true)
    expect(side.effects.has('clean-up')).toBe(false)
    expect(side.verdict(1, 'full').redeemed(1).effects.has('clean-up')).toBe(true)
    expect(side.effects.has('check-lock:2')).toBe(false)
  })

  it('waits for a verdict to T and no longer, though the next round is here and the machine slept', () => {
    const side = new Side().hired().round(1).works(1).round(2)
    side.clock = round(1).times.locktime + 1
    side.tell('tick', { type: 'tick' })
    expect(side.state.shares).toMatchObject([{ status: 'closed', owed: true }, { status: 'closed' }])
    expect(side.effects.has('clean-up')).toBe(true)
  })

  it('goes on with a round under way though the next is sent, and gives both back when it stops', () => {
    const side = new Side().hired().round(1).tell('ok', { type: 'lock-accepted', round: 1 }).round(2)
    expect(side.state.end).toBeUndefined()
    side.clock = round(2).times.deadline + 1
    expect(side.tell('tick', { type: 'tick' }).state.end).toBeUndefined()
    side.tell('stop', { type: 'stop' })
    expect([...side.effects.keys()]).toEqual(
      expect.arrayContaining(['give-back:1', 'give-back:2', 'clean-up']),
    )
  })

  it('leaves a customer that is two rounds ahead of what it paid', () => {
    const side = new Side().hired().round(1).works(1).round(2).round(3)
    expect(side.state.end?.reason).toMatch(/Round 1 .* not redeemed/)
    expect([...side.effects.keys()]).toEqual(expect.arrayContaining(['give-back:2', 'give-back:3']))
    expect(side.verdict(1, 'full').redeemed(1).effects.has('clean-up')).toBe(true)
  })

  it('waits with the next round while the mint is still at the last one’s sats', () => {
    const side = new Side().hired().round(1).works(1).verdict(1, 'full').round(2)
    expect(side.effects.has('check-lock:2')).toBe(false)
    expect(side.state.end).toBeUndefined()
    expect(side.redeemed(1).effects.has('check-lock:2')).toBe(true)
  })

  it('does not begin a round that waited, when the last one’s sats are gone', () => {
    const side = new Side().hired().round(1).works(1).verdict(1, 'full').round(2)
    side.tell('gone', { type: 'redeem-refused', round: 1, reason: 'The lock was spent by the customer.' })
    expect(side.effects.has('check-lock:2')).toBe(false)
    expect(side.effects.get('give-back:2')).toMatchObject({ reason: 'The lock was spent by the customer.' })
    expect(side.effects.has('clean-up')).toBe(true)
  })

  it('works no full round for a stranger who skips the short one', () => {
    const side = new Side().hired().round(2, { shard: manifestOf(2) })
    expect(side.effects.has('check-lock:2')).toBe(false)
    expect(side.state.end?.reason).toMatch(/before a first payment/)
    const known = new Side().hired({}, { known: 1 }).round(2, { shard: manifestOf(2) })
    expect(known.effects.has('check-lock:2')).toBe(true)
  })

  it('leaves a customer whose verdict says paid and releases nothing, or less than it says', () => {
    const empty = new Side().hired().round(1).works(1)
    empty.tell('v', {
      type: 'verdict',
      event: 'v',
      from: J,
      verdict: { ...verdict(1, 'full'), witnesses: [] },
    })
    expect(empty.state.end?.reason).toMatch(/releases nothing/)
    expect(empty.state.shares[0]?.owed).toBe(true)
    const short = new Side().hired().round(1).works(1).verdict(1, 'full')
    short.tell('little', { type: 'redeemed', round: 1, sats: sats(2), fee: sats(1) })
    expect(short.state.end?.reason).toMatch(/released 2 of 10/)
    for (const side of [empty, short]) expect(side.round(2).effects.has('check-lock:2')).toBe(false)
  })

  it('holds nothing against a customer for an update that was sent too late', () => {
    const side = new Side().hired().round(1)
    side.clock = 1025
    side.works(1).verdict(1, 'none')
    expect(side.state.shares[0]).toMatchObject({ status: 'closed' })
    expect(side.state.shares[0]?.owed).toBeUndefined()
  })

  it('computes nothing before the lock is accepted', () => {
    const side = new Side().hired().round(1)
    expect(side.effects.has('fetch:1')).toBe(false)
    side.tell('bad', { type: 'refused', round: 1, code: 'payments/lock-keys', reason: 'wrong keys' })
    expect(side.effects.has('train:1')).toBe(false)
    expect(side.effects.get('give-back:1')).toMatchObject({ code: 'error', reason: 'wrong keys' })
  })

  it.each<[string, Partial<Award>]>([
    ['another session key', { key: 'x' }],
    ['a mint that was not bid', { mint: 'http://other' }],
    ['more steps than announced', { rounds: [{ round: 1, steps: 250, price: sats(40) }] }],
    ['less than was bid', { rounds: [{ round: 1, steps: 25, price: sats(2) }] }],
    ['a full first round for a stranger', { rounds: [{ round: 1, steps: 100, price: sats(40) }] }],
    ['a larger shard', { shard: { rows: 10, bytes: 5000 as Bytes } }],
    [
      'T too early',
      { times: { start: 10, deadline: 20, release: 30, redeem: 40, lock: 50 } as Award['times'] },
    ],
    ['a larger model', { spec: rowsSpec.parse({ ...spec, model: { ...spec.model, hidden: [64] } }) }],
  ])('declines an award with %s, in words', (_, change) => {
    const side = new Side().hired(change)
    expect(answerOf(side)).toMatchObject({ accept: false })
    expect(answerOf(side)?.reason.length).toBeGreaterThan(20)
  })

  it.each<[string, Partial<Round>]>([
    ['more steps than the award', { steps: 90 }],
    ['less pay than the award', { price: sats(3) }],
    ['times out of order', { times: { ...round(1).times, redeemBy: seconds(1005) } }],
    [
      'a deadline nobody can keep',
      { times: { ...round(1).times, startBy: seconds(1001), deadline: seconds(1002) } },
    ],
    ['a lock that ends too early', { times: { ...round(1).times, locktime: seconds(1041) } }],
  ])('refuses a round with %s', (_, change) => {
    const side = new Side().hired().round(1, change)
    expect(side.effects.has('check-lock:1')).toBe(false)
    expect(side.state.end?.mine).toBe(true)
  })

  it('obeys the highest epoch alone', () => {
    const side = new Side().hired().tell('new', { type: 'superseded', epoch: 2 }).round(1)
    expect(side.effects.has('check-lock:1')).toBe(false)
    side.tell('again', {
      type: 'round',
      event: 'again',
      from: J,
      at: seconds(1000),
      round: round(1, { epoch: 2 }),
    })
    expect(side.effects.has('check-lock:1')).toBe(true)
  })

  it.each(['part', 'none'] as const)(
    'signs back what a verdict of "%s" does not release, whoever said good-bye first',
    paid => {
      for (const farewell of ['before', 'after'] as const) {
        const side = new Side().hired().round(1).works(1)
        const leave = () =>
          side.tell('leave', {
            type: 'leave',
            event: 'leave',
            from: J,
            leave: { award: 'award', code: 'rejected', reason: 'r' },
          })
        if (farewell === 'before') leave()
        side.verdict(1, paid)
        if (farewell === 'after') leave()
        expect(side.effects.has('give-back:1'), farewell).toBe(true)
      }
    },
  )

  it('keeps the lock on a delivered update until the verdict, and gives it back on work that was not done', () => {
    const delivered = new Side().hired().round(1).works(1).tell('stop', { type: 'stop' })
    expect(delivered.effects.has('give-back:1')).toBe(false)
    expect(delivered.verdict(1, 'full').effects.has('redeem:1')).toBe(true)
    const working = new Side()
      .hired()
      .round(1)
      .tell('ok', { type: 'lock-accepted', round: 1 })
      .tell('stop', { type: 'stop' })
    expect(working.effects.get('give-back:1')).toMatchObject({ code: 'pause' })
  })

  it('gives the lock back when the shard cannot be had', () => {
    const side = new Side().hired().round(1).tell('ok', { type: 'lock-accepted', round: 1 })
    side.tell('no', { type: 'refused', round: 1, code: 'blobs/too-large', reason: 'too large' })
    expect(side.effects.get('give-back:1')).toMatchObject({ code: 'error' })
    expect(side.effects.has('clean-up')).toBe(true)
  })

  it('notes a customer that never gave a verdict as unpaid, once the lock is over', () => {
    const side = new Side().hired().round(1).works(1)
    side.clock = providerMachine.wakeAt(side.state)!
    side.tell('tick', { type: 'tick' })
    expect(side.state.end).toMatchObject({ code: 'unpaid' })
    expect(side.state.shares[0]?.owed).toBe(true)
    expect(side.effects.has('clean-up')).toBe(true)
  })

  it('publishes a receipt when its part is over, where both agreed and something was asked', () => {
    const agreed = { bid: { ...candidate.bid, receipts: true } }
    const paid = new Side().hired({}, agreed).round(1).works(1).verdict(1, 'full')
    expect(paid.effects.has('receipt')).toBe(false)
    paid.redeemed(1)
    expect(paid.effects.has('receipt')).toBe(false)
    expect(paid.tell('stop', { type: 'stop' }).effects.has('receipt')).toBe(true)
    const unasked = new Side().hired({}, agreed).tell('stop', { type: 'stop' })
    const silent = new Side().hired().round(1).works(1).verdict(1, 'none')
    for (const side of [unasked, silent]) {
      expect(side.effects.has('clean-up')).toBe(true)
      expect(side.effects.has('receipt')).toBe(false)
    }
  })
})
