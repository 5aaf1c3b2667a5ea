import { describe, expect, it } from 'vitest'
import { live, planOf, World } from '../../../core/jobs/customer/fold.test-support.ts'
import { Side } from '../../../core/jobs/provider/fold.test-support.ts'
import { plain } from '../../format.ts'
import { boughtFacts, boughtLines, workedLines } from './show.ts'

const nameOf = (provider: number): string => provider.toString(16).padStart(64, '0').slice(0, 12)
const naming = (key: string): string => key.slice(0, 12)
const linesOf = ({ job }: World): string[] =>
  boughtLines({ id: 'id', createdAt: 0, job, closed: true }, naming, plain)

describe('what `gradstr job` shows', () => {
  it('lists who was awarded a part and declined it or stayed mute, and why', () => {
    const world = new World(planOf(2, 2), ['declines', 'mute', 'honest', 'honest'])
    live(world)
    const lines = linesOf(world)
    const idle = lines.slice(lines.indexOf('Awarded, no round sent') + 1)
    const gone = Object.values(world.job.engagements).filter(({ works }) => works.length === 0)
    expect(gone.map(({ bid }) => bid.provider.slice(0, 12)).sort()).toEqual([nameOf(0), nameOf(1)])
    expect(idle.join('\n')).toContain(`  ${nameOf(0)}  It declined: x`)
    expect(idle.join('\n')).toMatch(new RegExp(`${nameOf(1)} {2}\\w.*answer`))
    expect(boughtFacts(world.job, naming)).toMatchObject({
      idle: gone.map(({ bid, gone }) => ({ provider: bid.provider, left: gone })),
    })
  })

  it('shows no round that nobody was asked for', () => {
    const world = new World(planOf(2, 5), ['honest', 'honest'])
    for (let i = 0; i < 200 && world.job.round < 2; i++) {
      world.answerAwards()
      world.work()
      if (!world.step()) world.wake()
    }
    world.tell('cancel', { type: 'cancel' })
    live(world)
    expect([world.job.phase, world.job.round]).toEqual(['cancelled', 2])
    expect(linesOf(world).filter(line => line.startsWith('Round '))).toHaveLength(1)
    expect(boughtFacts(world.job, naming)).toMatchObject({ rounds: [{ round: 1 }] })
  })

  it('tells the provider what was measured, in words as in JSON', () => {
    const { state } = new Side().hired().round(1).works(1).verdict(1, 'full')
    const [share] = state.shares
    const engagement = {
      ...state,
      shares: [{ ...share!, verdict: { ...share!.verdict!, figures: { 'gain on its own rows': 0.25 } } }],
    }
    expect(workedLines({ id: 'id', createdAt: 0, engagement })).toContain(
      '      gain on its own rows: 0.2500',
    )
  })
})
