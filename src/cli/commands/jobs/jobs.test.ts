import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { gradstr, type Running, start, temporaryFolder } from '../../process.test-support.ts'

// Real processes, sockets, training and money, each home on its own: what a person at two keyboards would do.

let folder: ReturnType<typeof temporaryFolder>
let localnet: Running
let network: string[] = []
beforeAll(async () => {
  folder = temporaryFolder()
  writeFileSync(folder.at('houses.csv'), houses(1500))
  writeFileSync(folder.at('colours.csv'), colours(900))
  localnet = start(['localnet', '--json'])
  const { relay, blossom, mint } = await localnet.event('ready')
  network = ['--relay', `${relay}`, '--blossom', `${blossom}`, '--mint', `${mint}`]
})
afterAll(async () => {
  localnet.child.kill('SIGTERM')
  await localnet.end
  folder.remove()
})

/** A spreadsheet as it is saved in Europe: semicolons, decimal commas, an identifier, a category, empty cells. */
function houses(rows: number): string {
  const random = seeded()
  const lines = Array.from({ length: rows }, (_, i) => {
    const area = 40 + random() * 120
    const town = ['Paris', 'Lyon', '"Zürich; Kreis 1"'][Math.floor(random() * 3)] ?? ''
    const price = Math.round(area * 3000 + (town.startsWith('"') ? 200_000 : 0))
    return `${i + 1};${random() < 0.05 ? '' : area.toFixed(2).replace('.', ',')};${town};${price}`
  })
  return `Nr;Fläche;Ort;Preis\r\n${lines.join('\r\n')}\r\n`
}

/** Two classes that one feature tells apart. */
function colours(rows: number): string {
  const random = seeded()
  const lines = Array.from({ length: rows }, () => {
    const [a, b] = [random() * 2 - 1, random() * 2 - 1]
    return `${a.toFixed(3)},${b.toFixed(3)},${a > 0 ? 'red' : 'blue'}`
  })
  return `a,b,colour\n${lines.join('\n')}\n`
}

function seeded(): () => number {
  let state = 7
  return () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647
  }
}

const env = { GRADSTR_PASSPHRASE: 'correct horse' }
const at = (home: string, ...args: string[]) =>
  gradstr([...args, '--home', folder.at(home), '--json'], { env, cwd: folder.path })

const jobResult = z.object({
  type: z.literal('result'),
  metric: z.string(),
  value: z.number(),
  rounds: z.number(),
  providers: z.number(),
  seconds: z.number(),
  sats: z.object({
    quoted: z.number(),
    locked: z.number(),
    paid: z.number(),
    refunded: z.number(),
    fees: z.number(),
    balance: z.number(),
  }),
  out: z.string(),
})

/** A bound against hanging, generous for machines that do other things too; in milliseconds. */
const patience = 300_000

describe('a job between two homes that meet only through the network they name', {
  timeout: patience,
}, () => {
  it('is quoted, refused above its budget, trained, paid, listed, explained and asked', async () => {
    const provider = start(
      ['provide', ...network, '--once', '--json', '--threads', '1', '--home', folder.at('earn')],
      { env },
    )
    const topup = await at('buy', 'wallet', 'topup', '10000', ...network)
    expect(topup.code).toBe(0)
    await provider.event('ready')

    const order = ['train', 'houses.csv', '--providers', '1', '--rounds', '2']
    const dear = await at('buy', ...order, '--budget', '1')
    expect([dear.code, dear.json().at(-1)?.code]).toEqual([1, 'job/budget'])
    expect((await at('buy', 'wallet', 'balance')).json().at(-1)).toMatchObject({
      available: 10_000,
      locked: 0,
    })

    // The home remembers the network.
    const trained = await at('buy', ...order, '--out', 'model')
    expect([trained.code, trained.stderr.includes('Error')]).toEqual([0, false])
    const { sats, value, ...result } = jobResult.parse(trained.json().at(-1))
    expect(result).toMatchObject({ metric: 'r2', rounds: 2, providers: 1, out: folder.at('model') })
    expect(value).toBeGreaterThan(0.7)
    expect(sats.locked).toBe(sats.paid + sats.refunded)
    expect(sats.balance).toBe(10_000 - sats.paid - sats.fees)
    expect(trained.json().map(line => line.type)).toContain('progress')

    const earned = await provider.end
    expect(earned.code).toBe(0)
    const [books, later] = await Promise.all([
      at('earn', 'wallet', 'balance'),
      at('buy', 'wallet', 'balance', '--refresh'),
    ])
    expect(books.json().at(-1)).toMatchObject({ earned: sats.paid })
    expect(later.json().at(-1)).toMatchObject({ paid: sats.paid, released: 0, locked: 0 })

    const jobs = await at('buy', 'jobs')
    const [bought] = z
      .object({ bought: z.array(z.object({ id: z.string() })) })
      .parse(jobs.json().at(-1)).bought
    const job = await at('buy', 'job', bought?.id.slice(0, 6) ?? '')
    expect(job.json().at(-1)).toMatchObject({
      phase: 'done',
      rounds: [
        { providers: [{ verdict: { paid: 'full' } }] },
        { providers: [{ verdict: { paid: 'full', reason: expect.stringMatching(/\w/) } }] },
      ],
    })

    const asked = await at('buy', 'predict', 'model', 'Fläche=100', 'Ort=Paris')
    const answer = asked.json().find(line => line.type === 'prediction')
    expect(Number(answer?.prediction)).toBeGreaterThan(200_000)
    expect(Number(answer?.prediction)).toBeLessThan(400_000)
  })

  it('is refused without money, and when its model could not be written', async () => {
    writeFileSync(folder.at('taken'), 'mine')
    const [poor, taken, unknown] = await Promise.all([
      at('poor', 'train', 'colours.csv', ...network, '--providers', '1', '--out', 'poor-model'),
      at('other', 'train', 'colours.csv', ...network, '--out', 'taken'),
      at('other-2', 'train', 'colours.csv', ...network, '--target', 'shape', '--out', 'x'),
    ])
    for (const ran of [poor, taken, unknown]) {
      expect(ran.code).toBe(1)
      expect(ran.json().at(-1)?.type).toBe('error')
      expect(ran.stderr).not.toMatch(/\n\s+at |internal/)
    }
    expect(taken.json().at(-1)?.code).toBe('models/folder-taken')
    expect(unknown.json().at(-1)?.message).toContain('shape')
    expect(['poor-model', 'x', 'other'].map(name => existsSync(folder.at(name)))).toEqual([
      false,
      false,
      false,
    ])
  })

  it('cannot be named when it is not there', async () => {
    for (const command of ['job', 'cancel', 'resume']) {
      const ran = await at('nobody', command, 'abc')
      expect([command, ran.code, ran.json().at(-1)?.code]).toEqual([command, 1, 'job/unknown'])
    }
    expect(existsSync(folder.at('nobody'))).toBe(false)
  })
})

describe('practice', { timeout: patience }, () => {
  it('trains without flags, keys or money of its own, and cleans up after itself', async () => {
    const ran = await gradstr(
      [
        'demo',
        '--dataset',
        'colours.csv',
        '--providers',
        '2',
        '--rounds',
        '2',
        '--json',
        '--out',
        'demo-model',
      ],
      { cwd: folder.path, env: { TMPDIR: folder.path } },
    )
    expect(ran.code).toBe(0)
    const { sats, value, ...result } = jobResult.parse(ran.json().at(-1))
    expect(result).toMatchObject({ metric: 'accuracy', rounds: 2, providers: 2 })
    expect(value).toBeGreaterThan(0.9)
    expect(sats.locked).toBe(sats.paid + sats.refunded)
    expect(existsSync(folder.at('demo-model/model.onnx'))).toBe(true)
    expect(readdirSync(folder.path).filter(name => /^(gradstr-|mat-debug|\.)/.test(name))).toEqual([])
    const practice = ran.json().find(line => line.type === 'practice')
    const { pids } = z.object({ pids: z.array(z.int()) }).parse(practice)
    for (const pid of pids) expect(() => process.kill(pid, 0)).toThrow()
  })
})
