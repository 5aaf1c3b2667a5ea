import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Filter } from 'nostr-tools/filter'
import { makeAuthEvent } from 'nostr-tools/nip42'
import { finalizeEvent, generateSecretKey, getPublicKey, type NostrEvent } from 'nostr-tools/pure'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { type LocalRelay, startRelay } from './relay.ts'

type Message = [string, ...unknown[]]

/** A bare client: what it was sent, in order, and a promise for the next message that fits. */
class Client {
  readonly messages: Message[] = []
  readonly #socket: WebSocket
  #arrived = () => {}

  private constructor(socket: WebSocket) {
    this.#socket = socket
    socket.on('message', data => {
      this.messages.push(JSON.parse(data.toString()))
      this.#arrived()
    })
    socket.on('close', () => this.#arrived())
  }

  static async open(url: string): Promise<Client> {
    const client = new Client(new WebSocket(url))
    await new Promise((resolve, reject) => client.#socket.once('open', resolve).once('error', reject))
    return client
  }

  send(...message: Message): void {
    this.#socket.send(JSON.stringify(message))
  }

  /** Takes the first message of that verb and subject out of what has come. */
  async take(verb: string, subject?: string): Promise<Message> {
    for (;;) {
      const at = this.messages.findIndex(m => m[0] === verb && (subject === undefined || m[1] === subject))
      const [found] = at < 0 ? [] : this.messages.splice(at, 1)
      if (found) return found
      if (this.#socket.readyState !== WebSocket.OPEN) throw new Error(`closed before ${verb}`)
      await new Promise<void>(resolve => {
        this.#arrived = resolve
      })
    }
  }

  async publish(event: NostrEvent): Promise<[boolean, string]> {
    this.send('EVENT', event)
    const [, , ok, reason] = await this.take('OK', event.id)
    return [ok as boolean, reason as string]
  }

  /** Stored events only. */
  async query(...filters: Filter[]): Promise<NostrEvent[]> {
    this.send('REQ', 'query', ...filters)
    await this.take('EOSE', 'query')
    this.send('CLOSE', 'query')
    const found = this.messages.filter(m => m[0] === 'EVENT' && m[1] === 'query')
    for (const message of found) this.messages.splice(this.messages.indexOf(message), 1)
    return found.map(m => m[2] as NostrEvent)
  }

  close(): void {
    this.#socket.terminate()
  }
}

const alice = generateSecretKey()
const bob = generateSecretKey()
const time = Math.floor(Date.now() / 1000)
const sign = (
  kind: number,
  more: { key?: Uint8Array; at?: number; tags?: string[][]; content?: string } = {},
) =>
  finalizeEvent(
    { kind, created_at: more.at ?? time, tags: more.tags ?? [], content: more.content ?? '' },
    more.key ?? alice,
  )
/** As a client gets it: nostr-tools' mark of a verified event does not travel. */
const plain = (event: NostrEvent): NostrEvent => JSON.parse(JSON.stringify(event))

describe('the practice relay', () => {
  let folder: string
  let relay: LocalRelay
  const clients: Client[] = []
  const open = async () => {
    const client = await Client.open(relay.url)
    clients.push(client)
    return client
  }
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gradstr-relay-'))
    relay = await startRelay({ folder })
  })
  afterEach(async () => {
    for (const client of clients.splice(0)) client.close()
    await relay.close()
    rmSync(folder, { recursive: true, force: true })
  })

  it('gives events back by id, author, kind, tag, time and limit, newest first', async () => {
    const client = await open()
    const events = [1, 2, 3].map(i => sign(3454, { at: time - 10 * i, tags: [['p', getPublicKey(bob)]] }))
    const other = sign(3456, { key: bob, tags: [['p', getPublicKey(alice)]] })
    for (const event of [...events, other]) expect(await client.publish(event)).toEqual([true, ''])
    const ids = async (filter: Filter) => (await client.query(filter)).map(e => e.id)
    const [first, second, third] = events.map(e => e.id)
    expect(await client.query({ ids: [other.id] })).toEqual([plain(other)])
    expect(await ids({ authors: [getPublicKey(alice)] })).toEqual([first, second, third])
    expect(await ids({ kinds: [3456] })).toEqual([other.id])
    expect(await ids({ '#p': [getPublicKey(bob)] })).toEqual([first, second, third])
    expect(await ids({ '#p': [getPublicKey(bob)], since: time - 20 })).toEqual([first, second])
    expect(await ids({ kinds: [3454], until: time - 20 })).toEqual([second, third])
    expect(await ids({ kinds: [3454], limit: 1 })).toEqual([first])
    expect(await ids({ kinds: [3454], limit: 0 })).toEqual([])
  })

  it('sends new events, also ephemeral ones, only to subscriptions whose tags they match', async () => {
    const [reader, writer] = [await open(), await open()]
    reader.send('REQ', 'mine', { kinds: [3454, 23455], '#p': [getPublicKey(alice)] })
    await reader.take('EOSE')
    const forBob = sign(3454, { tags: [['p', getPublicKey(bob)]] })
    const forAlice = sign(23455, { key: bob, tags: [['p', getPublicKey(alice)]] })
    await writer.publish(forBob)
    await writer.publish(forAlice)
    expect(await reader.take('EVENT', 'mine')).toEqual(['EVENT', 'mine', plain(forAlice)])
    expect(await writer.query({ ids: [forAlice.id] })).toEqual([])
  })

  it('never lets an event fall between the search of a REQ and its subscription', async () => {
    const [reader, writer] = [await open(), await open()]
    for (let i = 0; i < 40; i++) {
      const event = sign(3454, { content: `${i}` })
      writer.send('EVENT', event)
      reader.send('REQ', `sub-${i}`, { ids: [event.id] })
      expect((await reader.take('EVENT', `sub-${i}`))[2]).toEqual(plain(event))
    }
  })

  it('keeps the newest of an addressable event, and the lowest id of two of the same second', async () => {
    const client = await open()
    const version = (at: number, content: string) => sign(36450, { at, content, tags: [['d', 'job']] })
    const old = version(time - 10, 'old')
    const [low, high] = [version(time, 'a'), version(time, 'b')].sort((a, b) => (a.id < b.id ? -1 : 1))
    for (const event of [high!, old, low!]) await client.publish(event)
    await client.publish(sign(36450, { tags: [['d', 'another job']] }))
    expect(await client.query({ kinds: [36450], '#d': ['job'] })).toEqual([plain(low!)])
    expect(await client.query({ kinds: [36450] })).toHaveLength(2)
  })

  it('refuses a forged event and still takes the real one afterwards', async () => {
    const client = await open()
    const real = sign(3450, { content: 'real' })
    const forged = { ...plain(real), sig: sign(3450, { content: 'other' }).sig }
    expect((await client.publish(forged))[0]).toBe(false)
    expect((await client.publish({ ...plain(real), content: 'changed' }))[0]).toBe(false)
    expect(await client.publish(real)).toEqual([true, ''])
    expect((await client.publish(real))[1]).toMatch(/^duplicate:/)
  })

  it('deletes what its author asks to delete, tells the others, and does not take it again', async () => {
    const [client, watcher] = [await open(), await open()]
    const mine = sign(3454)
    const bobs = sign(3454, { key: bob })
    const job = sign(36450, { at: time - 5, tags: [['d', 'job']] })
    for (const event of [mine, bobs, job]) await client.publish(event)
    watcher.send('REQ', 'deletions', { kinds: [5] })
    await watcher.take('EOSE')
    const coordinate = `36450:${getPublicKey(alice)}:job`
    const never = sign(3454, { content: 'published after its deletion' })
    const tags = [
      ['e', mine.id],
      ['e', bobs.id],
      ['e', never.id],
      ['a', coordinate],
    ]
    const request = sign(5, { at: time - 1, tags })
    expect(await client.publish(request)).toEqual([true, ''])
    expect((await watcher.take('EVENT', 'deletions'))[2]).toEqual(plain(request))
    expect(await client.query({ kinds: [3454, 36450] })).toEqual([plain(bobs)])
    expect((await client.publish(mine))[1]).toMatch(/^blocked:/)
    expect((await client.publish(never))[1]).toMatch(/^blocked:/)
    expect((await client.publish(job))[1]).toMatch(/^blocked:/)
    expect(await client.publish(sign(36450, { tags: [['d', 'job']] }))).toEqual([true, ''])
  })

  it('refuses what has expired, is ahead of time, too large or malformed, and says which', async () => {
    const client = await open()
    const reason = async (event: NostrEvent) => (await client.publish(event)).join(' ')
    expect(await reason(sign(3454, { tags: [['expiration', `${time - 1}`]] }))).toMatch(
      /^false invalid: .*expired/,
    )
    expect(await reason(sign(3454, { at: time + 3600 }))).toMatch(/^false invalid: .*ahead/)
    expect(await reason(sign(3454, { tags: Array(1000).fill(['x', 'y'.repeat(100)]) }))).toMatch(
      /^false .*larger/,
    )
    expect(await reason({ ...sign(3454), kind: -1 })).toMatch(/^false invalid: /)
    client.send('REQ', 'bad', { ids: ['not hex'] })
    expect((await client.take('CLOSED', 'bad'))[2]).toMatch(/^invalid: /)
    client.send('NONSENSE')
    expect((await client.take('NOTICE'))[1]).toMatch(/^invalid: /)
  })

  it('has its events again after a restart at the same address', async () => {
    const before = await open()
    const event = sign(3454)
    await before.publish(event)
    const port = Number(new URL(relay.url).port)
    await relay.close()
    relay = await startRelay({ folder, port })
    const after = await open()
    expect(new URL(relay.url).port).toBe(`${port}`)
    expect(await after.query({ kinds: [3454] })).toEqual([plain(event)])
  })

  it('names the port that is taken', async () => {
    const port = Number(new URL(relay.url).port)
    await expect(startRelay({ folder: join(folder, 'other'), port })).rejects.toMatchObject({
      code: 'localnet/port-taken',
    })
  })

  it('describes itself as NIP-11 says', async () => {
    const response = await fetch(relay.url.replace('ws:', 'http:'), {
      headers: { accept: 'application/nostr+json' },
    })
    expect(await response.json()).toMatchObject({ supported_nips: [1, 9, 11, 40] })
  })
})

it('stops giving an event out once it expires', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-relay-'))
  let clock = time
  const relay = await startRelay({ folder, now: () => clock })
  const client = await Client.open(relay.url)
  await client.publish(
    sign(36451, {
      tags: [
        ['d', 'device'],
        ['expiration', `${time + 600}`],
      ],
    }),
  )
  expect(await client.query({ kinds: [36451] })).toHaveLength(1)
  clock += 601
  expect(await client.query({ kinds: [36451] })).toHaveLength(0)
  client.close()
  await relay.close()
  rmSync(folder, { recursive: true, force: true })
})

describe('the practice relay with NIP-42', () => {
  let folder: string
  let relay: LocalRelay
  let client: Client
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gradstr-relay-'))
    relay = await startRelay({ folder, auth: true })
    client = await Client.open(relay.url)
  })
  afterEach(async () => {
    client.close()
    await relay.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const authenticate = async (challenge: string, key: Uint8Array, url = relay.url) => {
    const event = finalizeEvent(makeAuthEvent(url, challenge), key)
    client.send('AUTH', event)
    return (await client.take('OK', event.id))[2]
  }

  it('gives gift wraps only to the keys that authenticated, one or several on a connection', async () => {
    const writer = await Client.open(relay.url)
    const wraps = [alice, bob].map(key =>
      sign(1059, { key: generateSecretKey(), tags: [['p', getPublicKey(key)]] }),
    )
    for (const wrap of wraps) expect(await writer.publish(wrap)).toEqual([true, ''])
    const filter = { kinds: [1059], '#p': [getPublicKey(alice)] }
    const challenge = (await client.take('AUTH'))[1] as string

    client.send('REQ', 'early', filter)
    expect((await client.take('CLOSED', 'early'))[2]).toMatch(/^auth-required: /)
    expect(await client.query({ ids: wraps.map(w => w.id) })).toEqual([])
    expect(await authenticate('not the challenge', alice)).toBe(false)
    expect(await authenticate(challenge, alice, 'wss://relay.example')).toBe(false)
    expect(await authenticate(challenge, alice)).toBe(true)
    expect(await client.query(filter)).toEqual([plain(wraps[0]!)])

    const both = { kinds: [1059], '#p': [getPublicKey(alice), getPublicKey(bob)] }
    client.send('REQ', 'both', both)
    expect((await client.take('CLOSED', 'both'))[2]).toMatch(/^restricted: /)
    expect(await authenticate(challenge, bob)).toBe(true)
    expect(await client.query(both)).toHaveLength(2)
    writer.close()
  })
})
