import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seconds } from '../../shared/units.ts'
import type { Manifest } from '../blobs/index.ts'
import type { KeyPair } from '../identity/index.ts'
import { type Localnet, startLocalnet } from '../localnet/index.ts'
import { sealSession } from '../nostr/index.ts'
import { live, planOf, World } from './customer/fold.test-support.ts'
import type { CustomerFact } from './customer/log.ts'
import { openHome, type TestHome } from './home.test-support.ts'
import type { Entry } from './machine.ts'
import { Side } from './provider/fold.test-support.ts'
import type { ProviderFact } from './provider/log.ts'
import { tidy } from './tidy.ts'
import { sessionLife, type Tools } from './tools.ts'

let folder: string
let net: Localnet
let home: TestHome
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-tidy-'))
  net = await startLocalnet({ folder: join(folder, 'net') })
  home = await openHome(join(folder, 'home'))
})
afterEach(async () => {
  await home.close()
  await net.close()
  rmSync(folder, { recursive: true, force: true })
})

const signal = new AbortController().signal
/** The folds of these tests live in the first hours of 1970; only `tidy` is told their time. */
const at = (now: number): Tools => ({ ...home.tools, now: () => seconds(now) })

async function uploaded(signer: KeyPair): Promise<Manifest> {
  const path = join(folder, 'blob')
  writeFileSync(path, signer.pubkey)
  return home.tools.blobs.upload(path, {
    servers: [net.blossom],
    signer,
    type: 'text/plain',
    purpose: 'test',
  })
}
const isStored = async ({ chunks }: Manifest): Promise<boolean> =>
  (await fetch(`${net.blossom}/${chunks[0]!.sha256}`, { method: 'HEAD' })).ok

/** An event of the session, taken by the relay. */
async function said(key: KeyPair): Promise<void> {
  const now = seconds(Math.floor(Date.now() / 1000))
  const to = home.tools.keyring.identity.pubkey
  const event = sealSession({
    kind: 3458,
    content: {},
    from: key,
    to,
    at: now,
    expiration: seconds(now + 3600),
  })
  home.tools.relays.publish(event, [net.relay])
  await home.tools.relays.delivered(event.id)
}
async function eventsBy({ pubkey }: KeyPair): Promise<number> {
  const found = new Set<string>()
  const filter = { kinds: [3458], authors: [pubkey] }
  const handler = ({ id }: { id: string }) => void found.add(id)
  const urls = [net.relay]
  const looking = home.tools.relays.subscribe({ name: 'look', fresh: true, urls, filter, handler })
  await looking.synced
  looking.close()
  return found.size
}

function keep(id: string, side: 'customer' | 'provider', log: Entry<CustomerFact | ProviderFact>[]): void {
  const { journal } = home.tools
  journal.create(id, side, seconds(1))
  for (const entry of log) journal.append(id, entry, 1)
  journal.close(id, seconds(2))
}

/** A job that one provider did, with a token that travelled as a blob. @returns T of its lock */
function boughtWith(token: Manifest, end: 'done' | 'fenced' = 'done'): number {
  const world = new World({ ...planOf(1, 1), relays: [net.relay] }, ['honest'])
  live(world)
  const log = world.log.map(entry =>
    entry.fact.type === 'round-sent' ? { ...entry, fact: { ...entry.fact, token } } : entry,
  )
  const cut = log.findIndex(({ fact }) => fact.type === 'aggregated')
  const fenced = { id: 'other', at: seconds(1100), fact: { type: 'superseded', epoch: 2 } as const }
  keep('job', 'customer', end === 'done' ? log : [...log.slice(0, cut), fenced])
  return Object.values(world.job.engagements)[0]!.works[0]!.locktime
}

describe('what a job has left with others', () => {
  it('is deleted once T of its last lock is past, and not before: a customer’s events and tokens', async () => {
    const key = home.tools.keyring.job('job')
    const token = await uploaded(key)
    await said(key)
    const locktime = boughtWith(token)
    await tidy(at(locktime), signal)
    expect([await isStored(token), await eventsBy(key)]).toEqual([true, 1])
    await tidy(at(locktime + 1), signal)
    expect(await isStored(token)).toBe(false)
    await home.tools.relays.flush(5000)
    expect(await eventsBy(key)).toBe(0)
    expect(home.tools.journal.untidied()).toEqual([])
  })

  it('is deleted likewise on the provider’s side: its events and its updates', async () => {
    const key = home.tools.keyring.engagement('work')
    const update = await uploaded(key)
    await said(key)
    const side = new Side().hired().round(1).works(1).verdict(1, 'full').redeemed(1)
    const log = side.tell('stop', { type: 'stop' }).log
    keep(
      'work',
      'provider',
      log.map(entry =>
        entry.fact.type === 'uploaded' ? { ...entry, fact: { ...entry.fact, manifest: update } } : entry,
      ),
    )
    // Its bid stands until 5000, its lock ends at 1200.
    await tidy(at(5000), signal)
    expect([await isStored(update), await eventsBy(key)]).toEqual([true, 1])
    await tidy(at(5001), signal)
    await home.tools.relays.flush(5000)
    expect([await isStored(update), await eventsBy(key)]).toEqual([false, 0])
  })

  it('is left to the machine that goes on with it, where the job was fenced', async () => {
    const key = home.tools.keyring.job('job')
    const token = await uploaded(key)
    await said(key)
    boughtWith(token, 'fenced')
    await tidy(at(1e9), signal)
    expect([await isStored(token), await eventsBy(key)]).toEqual([true, 1])
    expect(home.tools.journal.untidied()).toEqual([])
  })

  it('is asked for again while a server is away, for a week, and no error comes of it', async () => {
    const key = home.tools.keyring.job('job')
    const away = { ...(await uploaded(key)), servers: ['http://127.0.0.1:1'] }
    const locktime = boughtWith(away)
    const untidied = () => home.tools.journal.untidied().map(({ id }) => id)
    for (const late of [1, 3600, sessionLife]) {
      await tidy(at(locktime + late), signal)
      expect(untidied(), `${late} s after T`).toEqual(['job'])
    }
    await tidy(at(locktime + sessionLife + 1), signal)
    expect(untidied()).toEqual([])
  })
})
