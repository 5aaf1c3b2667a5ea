import { describe, expect, it } from 'vitest'
import { live, planOf, World } from '../../../core/jobs/customer/fold.test-support.ts'
import { Side } from '../../../core/jobs/provider/fold.test-support.ts'
import { keyText, plain } from '../../format.ts'
import { phaseOf } from '../../jobs/archive.ts'
import { boughtFacts, boughtLines, workedLines } from './show.ts'

const nameOf = (provider: number): string => keyText(provider.toString(16).padStart(64, '0'))
const archived = ({ job }: World) => ({ id: 'id', createdAt: 0, closed: true, job, phase: phaseOf(job) })
const linesOf = (world: World): string[] => boughtLines(archived(world), keyText, plain)

describe('what `gradstr job` shows', () => {
  it('lists who was awarded a part and declined it or stayed mute, and why', () => {
    const world = new World(planOf(2, 2), ['declines', 'mute', 'honest', 'honest'])
    live(world)
    const lines = linesOf(world)
    const idle = lines.slice(lines.indexOf('Awarded, no round sent') + 1)
    const gone = Object.values(world.job.engagements).filter(({ works }) => works.length === 0)
    expect(gone.map(({ bid }) => keyText(bid.provider)).sort()).toEqual([nameOf(0), nameOf(1)])
    expect(idle.join('\n')).toContain(`  ${nameOf(0)}  It declined: x`)
    expect(idle.join('\n')).toMatch(new RegExp(`${nameOf(1)} {2}\\w.*answer`))
    expect(boughtFacts(archived(world), keyText)).toMatchObject({
      idle: gone.map(({ bid, gone }) => ({ provider: bid.provider, left: gone })),
    })
  })

  it('shows no round that nobody was asked for', () => {
    const world = new World(planOf(2, 5), ['honest', 'honest'])
    for (let i = 0; i < 200 && world.job.round < 2; i++) world.turn()
    world.tell('cancel', { type: 'cancel' })
    live(world)
    expect([world.job.phase, world.job.round]).toEqual(['cancelled', 2])
    expect(linesOf(world).filter(line => line.startsWith('Round '))).toHaveLength(1)
    expect(boughtFacts(archived(world), keyText)).toMatchObject({ rounds: [{ round: 1 }] })
  })

  it('calls a job paused that waits for its person', () => {
    const world = new World(planOf(2, 3), ['honest', 'honest'])
    for (let i = 0; i < 200 && world.job.round < 2; i++) world.turn()
    world.tell('pause', { type: 'pause' })
    expect(linesOf(world)[0]).toContain(': paused')
    expect(boughtFacts(archived(world), keyText)).toMatchObject({ phase: 'paused' })
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
