import { expect, it } from 'vitest'
import { LONGEST_CALL, Pace } from './pace.ts'

/** Calls of an engine that takes so long for each step, on a clock of its own. @returns how long each call took */
async function callsOf(msPerStep: (call: number) => number, calls: number): Promise<number[]> {
  let now = 0
  const pace = new Pace(1_000_000, () => now)
  const lengths: number[] = []
  for (let call = 0; call < calls; call++) {
    const [n, began] = [pace.next(), now]
    await pace.measure(n, async () => {
      now += n * msPerStep(call)
    })
    lengths.push(now - began)
  }
  return lengths
}

it.each([0.01, 1, 7, 120, 299])(
  'lets no call last so long that a stop is not heard: %d ms a step',
  async ms => {
    const lengths = await callsOf(() => ms, 12)
    expect(Math.max(...lengths)).toBeLessThanOrEqual(LONGEST_CALL)
    // Nor does it dawdle once it knows the engine.
    if (ms >= 1) expect(lengths.at(-1)! + ms).toBeGreaterThan(150)
  },
)

it('takes single steps where one takes longer, and fewer after a call that took too long', async () => {
  expect(await callsOf(() => 4000, 4)).toEqual([4000, 4000, 4000, 4000])
  const slowed = await callsOf(call => (call < 5 ? 1 : 10), 8)
  expect(slowed.slice(6).every(length => length <= 150)).toBe(true)
})
