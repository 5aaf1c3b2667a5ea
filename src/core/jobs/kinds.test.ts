import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import sharp from 'sharp'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { sats } from '../../shared/units.ts'
import { type Localnet, startLocalnet } from '../localnet/index.ts'
import { openTextModel } from '../models/index.ts'
import { flopsPerStep } from '../training/index.ts'
import { openHome, type TestHome, termsOn } from './home.test-support.ts'
import { draft, type Order, openJob, ProviderService, practiceTimes } from './index.ts'

// Jobs on what is no table, over real servers: what differs is the spec, the shards and the model folder.

let folder: string
let net: Localnet
let customer: TestHome
const always: { close(): Promise<void> | void }[] = []
const open: { close(): Promise<void> | void }[] = []
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-kinds-'))
  net = await startLocalnet({ folder: join(folder, 'net') })
  always.push(net)
  const [buys, ...sell] = await Promise.all(['customer', 'a', 'b'].map(name => openHome(join(folder, name))))
  customer = buys!
  always.push(customer, ...sell)
  await (await customer.tools.wallet.topUp(net.mint, sats(5000))).paid
  for (const { tools } of sell) {
    const service = new ProviderService(tools, termsOn(net), {})
    service.start()
    always.push(service)
  }
})
afterEach(async () => {
  for (const thing of open.splice(0)) await thing.close()
})
afterAll(async () => {
  for (const thing of always.reverse()) await thing.close()
  rmSync(folder, { recursive: true, force: true })
})

/** A bound against hanging, generous for machines that do other things too; in milliseconds. */
const patience = 300_000

const order = (dataset: string, more: Partial<Order> = {}): Order => ({
  ...{ dataset, providers: 2, rounds: 2, mint: net.mint, blossoms: [net.blossom], relays: [net.relay] },
  ...{ out: join(folder, 'model'), practice: true, times: practiceTimes, seed: 7, ...more },
})

async function trained(asked: Order) {
  const job = await draft(asked, customer.tools)
  const running = openJob(job.id, customer.tools, {}, job.plan)
  open.push(running)
  const end = await running.runner.settled
  expect(end.phase).toBe('done')
  return { plan: job.plan, end, report: JSON.parse(readFileSync(join(asked.out, 'report.json'), 'utf8')) }
}

it(
  'trains a language model on a text: its loss falls for blocks that nobody saw, and it goes on with a text',
  async () => {
    const text = join(folder, 'cats.txt')
    const words = ['the', 'cat', 'sat', 'on', 'a', 'mat']
    writeFileSync(text, Array.from({ length: 300 }, (_, i) => words[i % words.length]).join(' '))
    const { plan, end, report } = await trained(
      order(text, { text: { block: 16 }, out: join(folder, 'cats') }),
    )
    expect(plan.spec).toMatchObject({ recipe: 'gpt', task: 'language', model: { context: 16 } })
    expect(report).toMatchObject({
      task: 'language',
      practice: true,
      providers: 2,
      rounds: [{ round: 1 }, { round: 2 }],
    })
    expect(report.metrics.loss).toBeLessThan(report.baseline.loss / 2)
    expect(end.weights.at(-1)?.score).toMatchObject({ metric: 'perplexity' })
    expect(readdirSync(join(folder, 'cats'))).toEqual(
      expect.arrayContaining(['model.onnx', 'model.safetensors', 'tokenizer.json']),
    )
    const model = await openTextModel(join(folder, 'cats'), { threads: 1 })
    let written = ''
    for await (const piece of model.write({ prompt: { text: 'the cat ' }, most: 7, seed: 1, temperature: 0 }))
      written += piece
    await model.close()
    expect(written).toBe('sat on ')
  },
  patience,
)

it(
  'plans a convolutional network for colour pictures, at the price of its operations, and no language model',
  async () => {
    const root = join(folder, 'set')
    for (const [label, [r, g, b]] of Object.entries({ light: [20, 30, 200], dark: [200, 30, 20] }))
      for (let i = 0; i < 30; i++) {
        mkdirSync(join(root, label), { recursive: true })
        const background = { r: r! + i, g: g!, b: b! + i }
        await sharp({ create: { width: 9, height: 8, channels: 3, background } })
          .png()
          .toFile(join(root, label, `${i}.png`))
      }
    const { plan, quote } = await draft(order(root), customer.tools)
    expect(plan.spec).toMatchObject({ recipe: 'cnn', model: { image: [3, 8, 9] } })
    expect(plan.pflopPerRound).toBe((plan.steps * flopsPerStep(plan.spec)) / 1e15)
    const residual = await draft(order(root, { model: 'resnet' }), customer.tools)
    expect(residual.plan.spec.recipe).toBe('resnet')
    expect(residual.quote.secondsPerRound).toBeGreaterThan(quote.secondsPerRound)
    const noise = { dropout: 0.2, augment: { flip: true, crop: 2 } }
    const noisy = await draft(order(root, noise), customer.tools)
    expect(noisy.plan.spec).toEqual({ ...plan.spec, ...noise })
    expect(noisy.plan.pflopPerRound).toBe(plan.pflopPerRound)
    await expect(draft(order(root, { model: 'gpt' }), customer.tools)).rejects.toThrow(/"gpt" does not learn/)
  },
  patience,
)
