import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { gradstr, start, temporaryFolder } from '../../process.test-support.ts'

// Real processes on the practice network: how a job ends that cannot, or shall not, end as it was ordered.

let folder: ReturnType<typeof temporaryFolder>
beforeAll(() => {
  folder = temporaryFolder()
  const rows = Array.from(
    { length: 400 },
    (_, i) => `${(i * 37) % 101},${(i * 53) % 97},${i % 2 ? 'red' : 'blue'}`,
  )
  writeFileSync(folder.at('colours.csv'), `a,b,colour\n${rows.join('\n')}\n`)
})
afterAll(() => folder.remove())

/** A bound against hanging; in milliseconds. */
const patience = 300_000
const flags = (home: string) => ['--home', folder.at(home), '--json']
const at = (home: string, ...args: string[]) => gradstr([...args, ...flags(home)], { cwd: folder.path })
const trained = (home: string, rounds: number, out: string) =>
  start(['train', 'colours.csv', '--providers', '1', '--rounds', `${rounds}`, '--out', out, ...flags(home)], {
    cwd: folder.path,
  })
const jobResult = z.object({
  phase: z.string(),
  value: z.number(),
  rounds: z.number(),
  seconds: z.number(),
  sats: z.object({ locked: z.number(), paid: z.number(), refunded: z.number() }),
  out: z.string(),
})
/** Makes a folder that belongs to somebody else. */
const take = (name: string): void => {
  mkdirSync(folder.at(name))
  writeFileSync(folder.at(`${name}/beach.jpg`), 'mine')
}

describe('what cannot become a model', { timeout: patience }, () => {
  it('is refused before anything is made for it', async () => {
    writeFileSync(folder.at('empty.csv'), '')
    writeFileSync(folder.at('header.csv'), 'a,b,colour\n')
    take('photos')
    const live = [
      '--relay',
      'ws://127.0.0.1:1',
      '--blossom',
      'http://127.0.0.1:1',
      '--mint',
      'http://127.0.0.1:1',
    ]
    const all: [code: string, ...args: string[]][] = [
      ['dataset/not-found', 'train', 'nope.csv'],
      ['dataset/empty', 'train', 'empty.csv', ...live],
      ['models/not-writable', 'train', 'colours.csv', '--out', 'empty.csv/model'],
      ['models/folder-taken', 'recover', 'colours.csv', '--out', 'photos', ...live],
    ]
    const runs = await Promise.all(all.map(([, ...args]) => at('new/home', ...args)))
    expect(runs.map((ran, i) => [all[i], ran.code, ran.json().at(-1)?.code])).toEqual(
      all.map(expected => [expected, 1, expected[0]]),
    )
    expect(existsSync(folder.at('new'))).toBe(false)
    // This one shows only when it is read, on a practice network that is there by then.
    const read = await at('new/home', 'train', 'header.csv')
    expect([read.code, String(read.json().at(-1)?.code)]).toEqual([1, expect.stringMatching(/^dataset\//)])
    expect(existsSync(folder.at('new'))).toBe(false)
  })
})

it(
  'keeps a model whose folder was taken while it was trained, and writes it to another one',
  async () => {
    const train = trained('taken', 1, 'theirs')
    await train.event('progress')
    take('theirs')
    const ran = await train.end
    expect([ran.code, ran.json().at(-1)?.code]).toEqual([1, 'job/unwritten'])
    expect(ran.stderr).toMatch(/beach\.jpg.*\n.*resume [0-9a-f]{8} --out/s)
    expect((await at('taken', 'resume')).json().at(-1)?.code).toBe('models/folder-taken')

    const resumed = await at('taken', 'resume', '--out', 'ours')
    expect([resumed.code, resumed.stderr.includes('Error')]).toEqual([0, false])
    const { sats, ...result } = jobResult.parse(resumed.json().at(-1))
    expect(result).toMatchObject({ phase: 'done', rounds: 1, out: folder.at('ours') })
    expect(sats.locked).toBe(sats.paid + sats.refunded)
    expect(sats.paid).toBeGreaterThan(0)
    expect(existsSync(folder.at('ours/model.onnx'))).toBe(true)
  },
  patience,
)

it(
  'tells of a job that was cancelled as of a result, with the time that the job took',
  async () => {
    const train = trained('cancelled', 100, 'part')
    const { job } = await train.event('quote')
    const id = String(job)
    await train.event('progress', ({ round }) => Number(round) >= 2)
    train.child.kill('SIGINT')
    await train.end
    const cancelled = await at('cancelled', 'cancel', id)
    expect([cancelled.code, cancelled.json().at(-1)?.phase]).toEqual([0, 'cancelled'])

    const ran = await at('cancelled', 'resume', id)
    expect([ran.code, ran.stderr.includes('Error')]).toEqual([0, false])
    expect(ran.stderr).toContain('You cancelled the job.')
    const result = jobResult.parse(ran.json().at(-1))
    expect(result).toMatchObject({ phase: 'cancelled', out: folder.at('part') })
    expect(result.rounds).toBeGreaterThanOrEqual(1)
    const { seconds } = JSON.parse(readFileSync(folder.at('part/report.json'), 'utf8'))
    expect([result.seconds, seconds > 0]).toEqual([seconds, true])
  },
  patience,
)
