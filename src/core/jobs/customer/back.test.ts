import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { seconds } from '../../../shared/units.ts'
import { openHome } from '../home.test-support.ts'
import { actContext } from './acts/context.ts'
import { talk } from './acts/talk.ts'
import { live, manifestOf, planOf, World } from './fold.test-support.ts'
import type { CustomerFact } from './log.ts'
import type { Engagement, WorkStatus } from './state.ts'

const engagementOf = (world: World): Engagement => Object.values(world.job.engagements)[0]!

/** A job of one provider, stopped when its first work has this status; whatever is on its way stays there. */
function stoppedAt(status: WorkStatus, character: 'honest' | 'vanishes' = 'honest'): World {
  const world = new World(planOf(1, 2), [character])
  for (let i = 0; i < 200; i++) {
    if (Object.values(world.job.engagements)[0]?.works[0]?.status === status) return world
    world.answerAwards()
    if (!world.step() && !world.wake()) break
  }
  throw new Error(`no work was ever ${status}`)
}

function updateOf(world: World): CustomerFact {
  const { bid, award } = engagementOf(world)
  const { steps, round } = engagementOf(world).works[0]!
  const content = { update: manifestOf(3), losses: [1], checkpoints: [], steps, parent: 'x' }
  const at = seconds(world.clock)
  return {
    type: 'update',
    event: 'update-early',
    from: bid.bid.key,
    at,
    update: { award: award!, round, ...content },
  }
}

describe('a customer that comes back', () => {
  it('calls nobody silent for what it could not hear', () => {
    const away = () => {
      const world = stoppedAt('sent', 'vanishes')
      world.clock += 60
      return world
    }
    const stayed = away()
    stayed.tell('tick', { type: 'tick' })
    expect(engagementOf(stayed).gone?.code).toBe('silent')

    const world = away()
    world.tell('back', { type: 'back' })
    world.tell('tick', { type: 'tick' })
    expect(engagementOf(world).status).toBe('accepted')
    world.tell('caught-up', { type: 'caught-up' })
    expect(engagementOf(world).status).toBe('accepted')
    // From now on it listens, and silence counts again.
    world.clock += 31
    world.tell('later', { type: 'tick' })
    expect(engagementOf(world).gone?.code).toBe('silent')
  })

  it('hears what came in time before it closes a round whose deadline has passed', () => {
    const world = stoppedAt('sent')
    const update = updateOf(world)
    world.clock += 500
    world.tell('back', { type: 'back' })
    world.tell('update-early', update)
    world.tell('caught-up', { type: 'caught-up' })
    expect(live(world)).toBe(true)
    expect(world.job.phase).toBe('done')
    expect(engagementOf(world).works.map(({ verdict }) => [verdict?.paid, verdict?.used])).toEqual([
      ['full', true],
      ['full', true],
    ])
  })

  it('keeps an update of a round that only the machine before it has sent', () => {
    const world = stoppedAt('locked')
    world.tell('update-early', updateOf(world))
    expect(engagementOf(world).works[0]?.status).toBe('locked')
    while (engagementOf(world).works[0]?.sentAt === undefined) world.step()
    expect(engagementOf(world).works[0]).toMatchObject({
      status: 'delivered',
      update: { event: 'update-early' },
    })
  })

  it('does not send again a round that is answered already, however late that would be for its lock', async () => {
    const world = stoppedAt('locked')
    world.tell('update-early', updateOf(world))
    world.tell('saved', { type: 'saved', round: 1, keys: ['0.0'], state: manifestOf(4) })
    const folder = mkdtempSync(join(tmpdir(), 'gradstr-back-'))
    const { tools, close } = await openHome(folder)
    const later = engagementOf(world).works[0]!.locktime
    const acts = talk(actContext('1', { ...tools, now: () => later }, () => world.job))
    const effect = { id: 'round:0.0:1', type: 'send-round', key: '0.0', round: 1 } as const
    const sent = await acts['send-round'](effect, new AbortController().signal).finally(close)
    rmSync(folder, { recursive: true })
    expect(sent).toMatchObject({ fact: { type: 'round-sent', key: '0.0', round: 1 } })
    world.clock = later
    world.tell('done:round:0.0:1', sent.fact!)
    expect(engagementOf(world).works[0]).toMatchObject({ status: 'delivered' })
    expect(live(world)).toBe(true)
    expect(engagementOf(world).works[0]?.verdict?.paid).toBe('full')
  })

  it('pays for an update that crosses with the word that its round is given up, though another machine sent it', () => {
    const world = stoppedAt('locked')
    const update = updateOf(world)
    world.tell('saved', { type: 'saved', round: 1, keys: ['0.0'], state: manifestOf(4) })
    world.inFlight.length = 0
    world.tell('done:round:0.0:1', { type: 'lapsed', key: '0.0', round: 1, reason: 'Too late.' })
    expect(engagementOf(world)).toMatchObject({ status: 'gone', works: [{ status: 'closed' }] })
    world.tell('update-early', update)
    expect(live(world)).toBe(true)
    expect(engagementOf(world).works[0]?.verdict?.paid).toBe('full')
    expect([...world.mint.values()][0]).toMatchObject({ refunded: 0 })
  })

  it('dates what replaces its earlier announcements later than all of them, also within one second', () => {
    const world = stoppedAt('sent')
    const stamps = ['a', 'b', 'c'].map(id => {
      world.tell(id, { type: 'saved', round: 1, keys: [], state: manifestOf(4) })
      return world.job.stamp
    })
    expect(stamps).toEqual([stamps[0], stamps[0]! + 1, stamps[0]! + 2])
    expect(stamps[0]).toBeGreaterThanOrEqual(world.clock)
  })
})
