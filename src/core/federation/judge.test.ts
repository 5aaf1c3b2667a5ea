import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Case } from './case.ts'
import type { Figures } from './figures.ts'
import { judgeUse } from './judge-use.ts'
import { judgeWork } from './judge-work.ts'
import { besideOtherRounds } from './other-rounds.ts'
import { casesOf, normals, Round, type World, world } from './round.test-support.ts'

/** The customer's whole way to a verdict: without an own run first, with one where there is doubt. */
async function judged(round: Round, slot: number, update: string, subject: Case, others: string[]) {
  const first = judgeWork(subject)
  if (first.doubt === null) return { ...first, first, use: judgeUse(subject) }
  const withRun = { ...subject, reference: await round.reference(slot, update, others) }
  return { ...judgeWork(withRun), first, use: judgeUse(withRun) }
}

interface Played {
  round: Round
  updates: string[]
  cases: Case[]
  /** Of all updates of the rounds before. */
  before: Figures[]
}

/** Honest rounds from the first on; each from the mean of the one before. */
async function play(of: World, rounds: number): Promise<Played[]> {
  const played: Played[] = []
  let round = await Round.first(of)
  for (let k = 0; k < rounds; k++) {
    const before = played.flatMap(({ cases }) => cases.map(({ figures }) => figures))
    const updates = [await round.work(0), await round.work(1), await round.work(2)]
    played.push({ round, updates, cases: await casesOf(round, updates, before), before })
    if (k < rounds - 1) round = await round.next(updates)
  }
  return played
}

/** The first provider sends `update` instead of its own work, after the two others. */
async function cheat({ round, updates, cases, before }: Played, update: string) {
  const [, second, third] = cases
  const peers = [1, 2].map(k => ({ id: `p${k}`, path: updates[k]! }))
  const figures = besideOtherRounds(await round.measure(0, update, peers), before)
  const others = [second!, third!].map(c => ({ id: c.id, figures: c.figures, earlier: true }))
  return judged(round, 0, update, { id: 'p0', figures, peers: others, rho: 0.5 }, updates.slice(1))
}

describe('a round of honest providers', () => {
  let job: World
  let played: Played[]
  const late = () => played[2]!
  beforeAll(async () => {
    job = await world()
    played = await play(job, 3)
  })
  afterAll(() => job.remove())

  it('is paid in full and used at once while there is something to gain', () => {
    for (const subject of played[0]!.cases) {
      expect(judgeWork(subject)).toMatchObject({ paid: 'full', fraction: 1, doubt: null, planAtFault: null })
      expect(judgeUse(subject)).toMatchObject({ used: true })
    }
  })

  it('is paid in full and used when the gains are all noise, some of them negative', async () => {
    const { round, updates, cases } = late()
    const gains = cases.map(c => c.figures.own!.gain!)
    expect(Math.max(...gains)).toBeLessThan(0.1)
    for (const [slot, subject] of cases.entries()) {
      const others = updates.filter((_, k) => k !== slot)
      const verdict = await judged(round, slot, updates[slot]!, subject, others)
      expect(verdict).toMatchObject({ paid: 'full', use: { used: true } })
    }
  })

  it('is paid in full by the own run where it is alone', async () => {
    const { round, updates, cases } = late()
    const alone = { ...cases[0]!, peers: [] }
    expect(judgeWork(alone).doubt).not.toBeNull()
    expect(await judged(round, 0, updates[0]!, alone, [])).toMatchObject({
      paid: 'full',
      use: { used: true },
    })
  })

  it.each([0, 2])('does not pay a tenth of the steps in full (round %i)', async k => {
    const { round } = played[k]!
    const update = await round.work(0, job.steps / 10, 'lazy')
    const verdict = await cheat(played[k]!, update)
    // Its gain alone passes the rule of the award; its way does not.
    expect(verdict.first).toMatchObject({ paid: 'full', doubt: expect.stringMatching(/norm/) })
    expect(verdict.paid).not.toBe('full')
    expect(verdict.fraction).toBeLessThan(0.15)
  })

  it('neither pays nor uses noise as long as an update', async () => {
    const { round, updates } = late()
    const noise = normals(5)
    const update = await round.forged(updates[0]!, 'noise', (_, rms) => rms * noise())
    expect(await cheat(late(), update)).toMatchObject({ paid: 'none', fraction: 0, use: { used: false } })
  })

  it('neither pays nor uses an update that is ten times too large', async () => {
    const { round, updates } = late()
    const update = await round.forged(updates[0]!, 'tenfold', x => 10 * x)
    expect(await cheat(late(), update)).toMatchObject({ paid: 'none', use: { used: false } })
  })

  it.each([0, 2])('neither pays nor uses a peer’s copy, with noise or without (round %i)', async k => {
    const { round, updates } = played[k]!
    const noise = normals(6)
    const disguised = await round.forged(updates[1]!, 'copy', (x, rms) => x + 0.1 * rms * noise())
    for (const update of [updates[1]!, disguised])
      expect(await cheat(played[k]!, update)).toMatchObject({ paid: 'none', use: { used: false } })
  })

  it.each([
    ['its own update of the round before', 1, 0],
    ['its own update of the first round', 0, 0],
    ['another provider’s update of the first round', 0, 2],
  ])('neither pays nor uses %s', async (_, k, slot) => {
    const verdict = await cheat(late(), played[k]!.updates[slot]!)
    expect(verdict).toMatchObject({ paid: 'none', use: { used: false } })
    expect(verdict.reason).toMatch(/earlier round/)
  })

  it('neither pays nor uses an update of the first round with noise on it', async () => {
    const { round } = late()
    const noise = normals(8)
    const update = await round.forged(played[0]!.updates[1]!, 'old', (x, rms) => x + 0.1 * rms * noise())
    const verdict = await cheat(late(), update)
    expect(verdict.use.figures['highest cosine with another update']).toBeGreaterThan(0.98)
    expect(verdict).toMatchObject({ paid: 'none', use: { used: false } })
  })

  it('does not pay a tenth of the steps made longer', async () => {
    const { round } = played[0]!
    const update = await round.forged(await round.work(0, job.steps / 10, 'short'), 'longer', x => 3 * x)
    const verdict = await cheat(played[0]!, update)
    expect(verdict.fraction).toBeLessThan(0.15)
  })

  it('is not harmed by a liar among three: the median stays with the honest', async () => {
    const { round, updates, cases } = played[0]!
    const path = await round.forged(updates[0]!, 'liar', x => -5 * x)
    const liar = { id: 'p0', figures: await round.measure(0, path), earlier: true }
    for (const slot of [1, 2]) {
      const peers = [liar, ...cases[slot]!.peers.filter(p => p.id !== 'p0')]
      expect(judgeWork({ ...cases[slot]!, peers })).toMatchObject({ paid: 'full' })
      expect(judgeUse({ ...cases[slot]!, peers })).toMatchObject({ used: true })
    }
  })
})

describe('providers with odd shards', () => {
  it('are paid and used, each with two classes of its own', async () => {
    const job = await world({
      labels: [
        [0, 1],
        [2, 3],
        [4, 5],
      ],
      learningRate: 0.02,
    })
    for (const { round, updates, cases } of await play(job, 2))
      for (const [slot, subject] of cases.entries()) {
        expect(subject.figures.holdout!.gain!).toBeLessThan(subject.figures.own!.gain!)
        const others = updates.filter((_, k) => k !== slot)
        const verdict = await judged(round, slot, updates[slot]!, subject, others)
        expect(verdict).toMatchObject({ paid: 'full', use: { used: true } })
      }
    job.remove()
  })
})

describe('a regression', () => {
  it('is paid for its work, and not for a tenth of it', async () => {
    const job = await world({ task: 'regression', learningRate: 0.01 })
    const [first] = await play(job, 1)
    for (const subject of first!.cases)
      expect(judgeWork(subject)).toMatchObject({ paid: 'full', doubt: null })
    const verdict = await cheat(first!, await first!.round.work(0, job.steps / 10, 'lazy'))
    expect(verdict.fraction).toBeLessThan(0.2)
    job.remove()
  })
})

describe('a plan that cannot work', () => {
  it('is blamed, not the provider: the work is paid, and nothing of it used', async () => {
    const job = await world({ learningRate: 900 })
    const round = await Round.first(job)
    const update = await round.diverged(0)
    const figures = await round.measure(0, update)
    expect(figures).toMatchObject({ problem: null, finite: false })
    const verdict = await judged(round, 0, update, { id: 'p0', figures, peers: [], rho: 0.5 }, [])
    expect(verdict.first.paid).toBe('none')
    expect(verdict).toMatchObject({ paid: 'full', planAtFault: expect.stringMatching(/learning rate/) })
    expect(verdict.use.used).toBe(false)
    job.remove()
  })

  it('is not an excuse where the own run does not diverge', async () => {
    const job = await world({ steps: 40 })
    const round = await Round.first(job)
    const update = await round.diverged(0)
    const subject = { id: 'p0', figures: await round.measure(0, update), peers: [], rho: 0.5 }
    expect(await judged(round, 0, update, subject, [])).toMatchObject({ paid: 'none', planAtFault: null })
    job.remove()
  })
})

describe('a file that is no update', () => {
  it('is refused in words, without an own run', async () => {
    const job = await world({ steps: 10 })
    const round = await Round.first(job)
    for (const path of [job.holdout, await round.garbage()]) {
      const figures = await round.measure(0, path)
      const verdict = judgeWork({ id: 'p0', figures, peers: [], rho: 0.5 })
      expect(verdict).toMatchObject({ paid: 'none', doubt: null })
      expect(verdict.reason).toMatch(/not one of this model: .{10}/)
      expect(judgeUse({ id: 'p0', figures, peers: [], rho: 0.5 }).used).toBe(false)
    }
    job.remove()
  })
})
