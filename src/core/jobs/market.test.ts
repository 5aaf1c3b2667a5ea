import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { sats } from '../../shared/units.ts'
import { type Localnet, startLocalnet } from '../localnet/index.ts'
import { openHome, type TestHome, termsOn, writeTable } from './home.test-support.ts'
import { draft, money, openJob, ProviderService, practiceTimes } from './index.ts'
import { overhear } from './overheard.test-support.ts'

let folder: string
let net: Localnet
const open: { close(): Promise<void> | void }[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-market-'))
  net = await startLocalnet({ folder: join(folder, 'net') })
})
afterEach(async () => {
  for (const thing of open.splice(0).reverse()) await thing.close()
  await net.close()
  rmSync(folder, { recursive: true, force: true })
})
const home = async (name: string): Promise<TestHome> => {
  const log = process.env.DEBUG ? (line: string): void => console.log(name, line) : undefined
  const it = await openHome(join(folder, name), log ? { log } : {})
  open.push(it)
  return it
}

it('trains a table with two strangers, pays every round, every ledger agrees with the mint, and the relay sees no two keys on one connection', async () => {
  const relay = await overhear(net.relay)
  open.push(relay)
  const customer = await home('customer')
  const topUp = await customer.tools.wallet.topUp(net.mint, sats(1000))
  await topUp.paid
  const providers = await Promise.all(['a', 'b'].map(home))
  for (const { tools } of providers) {
    const service = new ProviderService(tools, termsOn({ ...net, relay: relay.url }), {
      onTrouble: (_, what, error) => process.env.DEBUG && console.log('provider trouble', what, error),
    })
    service.start()
    open.push(service)
  }
  const out = join(folder, 'model')
  const job = await draft(
    {
      dataset: writeTable(folder, 600),
      providers: 2,
      rounds: 4,
      mint: net.mint,
      blossoms: [net.blossom],
      relays: [relay.url],
      out,
      practice: true,
      times: practiceTimes,
      seed: 7,
    },
    customer.tools,
  )
  let files: string[] = []
  const running = openJob(
    job.id,
    customer.tools,
    {
      onTrouble: (what, error) => process.env.DEBUG && console.log('customer trouble', what, error),
      onChange: (state, { fact }) => {
        if (process.env.DEBUG) console.log(state.phase, state.round, fact.type)
        if (fact.type === 'aggregated') files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
      },
    },
    job.plan,
  )
  open.push(running)
  const end = await running.runner.settled
  expect(end.phase).toBe('done')
  expect(existsSync(join(out, 'model.onnx'))).toBe(true)
  // A job of many rounds takes no more room than one of a few.
  const kept = (kind: RegExp) =>
    files
      .flatMap(path => kind.exec(path)?.[1] ?? [])
      .map(Number)
      .sort()
  expect(kept(/^[ab].*weights\/(\d+)/)).toEqual([4, 4])
  expect(kept(/^[ab].*updates\/(\d+)/)).toEqual([4, 4])
  expect(kept(/^customer.*updates\/(\d+)/)).toEqual([4, 4])
  const report = JSON.parse(readFileSync(join(out, 'report.json'), 'utf8'))
  expect(report.metrics.accuracy).toBeGreaterThan(0.9)
  const { locked, paid, refunded, fees } = money(end)
  expect(locked).toBe(paid + refunded)
  expect(customer.tools.wallet.balance().available).toBe(1000 - paid - fees)
  await expect
    .poll(() => providers.reduce((sum, { tools }) => sum + tools.wallet.balance().earned, 0), {
      timeout: 20_000,
    })
    .toBe(paid)
  // Six keys at work: three identities, J, and two of P.
  const connections = relay.connections().filter(keys => keys.length > 0)
  expect(connections.filter(keys => keys.length > 1)).toEqual([])
  expect(new Set(connections.flat()).size).toBe(6)
  for (const { tools } of [customer, ...providers]) {
    await tools.wallet.settle()
    expect(await tools.wallet.audit({ mints: true })).toEqual({ problems: [] })
  }
})
