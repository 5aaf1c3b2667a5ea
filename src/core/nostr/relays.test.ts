import { join } from 'node:path'
import type { Filter } from 'nostr-tools/filter'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { seconds } from '../../shared/units.ts'
import { startRelay } from '../localnet/index.ts'
import { Bench, eventBy, newKey, QUICK, unixNow, until } from './bench.test-support.ts'
import { deletionsOf } from './deletion.ts'
import type { NostrEvent } from './event.ts'
import { GIFT_WRAP, wrapSigned } from './gift-wrap.ts'
import { createRelays } from './relays.ts'
import { kindly, startScripted } from './scripted-relay.test-support.ts'

const DAY = 24 * 3600

describe('relays, over a real one', () => {
  let bench: Bench
  beforeEach(() => {
    bench = new Bench()
  })
  afterEach(() => bench.close())
  const relay = (name = 'relay', port?: number, auth = false) =>
    startRelay({ folder: join(bench.folder, name), auth, ...(port === undefined ? {} : { port }) })
  const portOf = (url: string) => Number(new URL(url).port)

  it('delivers an event to a subscriber, and says so', async () => {
    const { url } = await bench.open(relay())
    const [sender, receiver] = [bench.relays(), bench.relays()]
    const got: NostrEvent[] = []
    const { synced } = receiver.subscribe({
      name: 's',
      urls: [url],
      filter: { kinds: [3450] },
      handler: e => got.push(e),
    })
    await synced
    const event = eventBy(newKey(), { content: 'é\u{1f600}' })
    sender.publish(event, [`${url}/`])
    await sender.delivered(event.id)
    await until('the event', () => got.length === 1)
    expect(got[0]).toEqual(event)
    expect(sender.status()).toEqual([{ url, state: 'open', pending: 0 }])
    // also when it is over
    await sender.delivered(event.id)
  })

  it('sends all of what is published at once, though only so many events may wait for an answer at a time', async () => {
    const { url } = await bench.open(relay())
    // Nor by looking through the outbox from time to time.
    const relays = bench.relays({ timings: { ...QUICK, linger: 60_000 } })
    const key = newKey()
    for (let i = 0; i < 100; i++) relays.publish(eventBy(key, { content: String(i) }), [url])
    expect(await relays.flush(10_000)).toBe(true)
    expect(relays.status()).toEqual([{ url, state: 'open', pending: 0 }])
  })

  it('never sends what the caller rolled back', async () => {
    const { url } = await bench.open(relay())
    const db = bench.database()
    const relays = bench.relays({ db })
    const [kept, dropped] = [eventBy(newKey()), eventBy(newKey())]
    expect(() =>
      db.transaction(() => {
        relays.publish(dropped, [url])
        throw new Error('no')
      }),
    ).toThrow('no')
    relays.publish(kept, [url])
    await relays.delivered(kept.id)
    await expect(relays.delivered(dropped.id)).rejects.toMatchObject({ code: 'nostr/not-delivered' })
    const got: string[] = []
    await relays.subscribe({
      name: 's',
      urls: [url],
      filter: { kinds: [3450] },
      handler: e => got.push(e.id),
    }).synced
    expect(got).toEqual([kept.id])
  })

  it('keeps what was published while every relay was down, also over a restart of its own', async () => {
    const gone = await relay()
    await gone.close()
    const db = bench.database()
    const event = eventBy(newKey())
    const before = createRelays({ db, timings: QUICK })
    before.publish(event, [gone.url])
    expect(await before.flush(50)).toBe(false)
    const waiting = before.delivered(event.id)
    void before.close()
    await expect(waiting).rejects.toMatchObject({ code: 'nostr/closed' })

    await bench.open(relay('relay', portOf(gone.url)))
    const after = bench.relays({ db })
    expect(await after.flush(8000)).toBe(true)
    await after.delivered(event.id)
  })

  it('loses nothing and repeats nothing while the relay is restarted under it', async () => {
    let server = await relay()
    const { url } = server
    bench.later(() => server.close())
    const [sender, receiver] = [bench.relays(), bench.relays()]
    const got: string[] = []
    receiver.subscribe({
      name: 's',
      urls: [url],
      filter: { kinds: [3450] },
      handler: e => got.push(e.content),
    })
    const key = newKey()
    const count = 90
    for (let i = 0; i < count; i++) {
      sender.publish(eventBy(key, { content: String(i) }), [url])
      if (i % 30 !== 15) continue
      await until('some events under way', () => got.length > i / 3)
      await server.close()
      server = await relay('relay', portOf(url))
    }
    expect(await sender.flush(10_000)).toBe(true)
    await until('every event', () => got.length >= count)
    expect(got.map(Number).sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i))
  })

  it('brings what came while it was away, even dated two days back', async () => {
    const { url } = await bench.open(relay())
    const db = bench.database()
    const [author, to] = [newKey(), newKey()]
    const got: string[] = []
    const subscribe = () => {
      const relays = createRelays({ db, timings: QUICK })
      const filter = { kinds: [GIFT_WRAP], '#p': [to.pubkey] }
      const { synced } = relays.subscribe({
        name: 'wraps',
        urls: [url],
        filter,
        handler: e => got.push(e.id),
      })
      return { relays, synced }
    }
    const sender = bench.relays()
    const wraps = [0, 1, 2].map(i =>
      wrapSigned(eventBy(author, { content: `${i}` }), author, to.pubkey, { at: unixNow() }),
    )
    const old = eventBy(author, {
      kind: GIFT_WRAP,
      tags: [['p', to.pubkey]],
      created_at: unixNow() - 2 * DAY,
    })
    const send = async (event: NostrEvent | undefined) => {
      if (!event) return
      sender.publish(event, [url])
      await sender.delivered(event.id)
    }

    await send(wraps[0])
    const first = subscribe()
    await first.synced
    await first.relays.close()
    await send(wraps[1])
    await send(old)
    const second = subscribe()
    bench.later(() => second.relays.close())
    await second.synced
    await send(wraps[2])
    await until('the live one', () => got.length === 4)
    expect(got.sort()).toEqual([...wraps.map(w => w.id), old.id].sort())
  })

  it('remembers what it had under a name, and begins anew when asked', async () => {
    const { url } = await bench.open(relay())
    const db = bench.database()
    const relays = bench.relays({ db })
    const event = eventBy(newKey())
    relays.publish(event, [url])
    await relays.delivered(event.id)
    const got: string[] = []
    for (const fresh of [false, false, true]) {
      const options = { name: 's', urls: [url], filter: { kinds: [3450] }, fresh }
      const subscription = relays.subscribe({ ...options, handler: e => got.push(`${fresh} ${e.id}`) })
      await subscription.synced
      subscription.close()
    }
    expect(got).toEqual([`false ${event.id}`, `true ${event.id}`])
    expect(db.prepare('select count(*) n from seen').get()).toEqual({ n: 1 })
  })

  it('hands an event to the handler again until it succeeds, and rolls back what it had written', async () => {
    const { url } = await bench.open(relay())
    const db = bench.database()
    db.exec('create table note (text text) strict')
    const log: string[] = []
    const relays = bench.relays({ db, log: line => log.push(line) })
    let tries = 0
    relays.subscribe({
      name: 's',
      urls: [url],
      filter: { kinds: [3450] },
      handler(e) {
        db.prepare('insert into note values (?)').run(e.content)
        if (++tries < 3) throw new Error(`try ${tries}`)
      },
    })
    relays.publish(eventBy(newKey(), { content: 'x' }), [url])
    await until('a third try', () => tries === 3)
    expect(db.prepare('select text from note').all()).toEqual([{ text: 'x' }])
    expect(log.filter(line => line.includes('try'))).toHaveLength(2)
  })

  it('handles an event once that two relays have', async () => {
    const [a, b] = [await bench.open(relay('a')), await bench.open(relay('b'))]
    const relays = bench.relays()
    const events = [1, 2, 3].map(i => eventBy(newKey(), { content: `${i}` }))
    for (const event of events) relays.publish(event, [a.url, b.url])
    expect(await relays.flush(5000)).toBe(true)
    await until('both relays have them', () => relays.status().every(s => s.pending === 0))
    const got: string[] = []
    const { synced } = bench.relays().subscribe({
      name: 's',
      urls: [a.url, b.url],
      filter: { kinds: [3450] },
      handler: e => got.push(e.id),
    })
    await synced
    expect(got.sort()).toEqual(events.map(e => e.id).sort())
  })

  it('gives up on an event at its expiration, and says so', async () => {
    const gone = await relay()
    await gone.close()
    let clock = unixNow()
    const relays = bench.relays({ now: () => clock })
    const event = eventBy(newKey(), { tags: [['expiration', String(clock + 60)]] })
    relays.publish(event, [gone.url])
    const waiting = relays.delivered(event.id)
    expect(await relays.flush(20)).toBe(false)
    clock = seconds(clock + 61)
    await expect(waiting).rejects.toMatchObject({ code: 'nostr/not-delivered' })
    expect(await relays.flush(20)).toBe(true)
    expect(relays.status()).toEqual([])
  })

  it('reads gift wraps from a relay that wants authentication, showing only the key they are for', async () => {
    const { url } = await bench.open(relay('auth', undefined, true))
    const [author, to, other] = [newKey(), newKey(), newKey()]
    const relays = bench.relays({ identity: other })
    const inner = eventBy(author)
    relays.publish(wrapSigned(inner, author, to.pubkey, { at: unixNow() }), [url])
    expect(await relays.flush(5000)).toBe(true)
    const got: string[] = []
    const wraps = { urls: [url], filter: { kinds: [GIFT_WRAP], '#p': [to.pubkey] } }
    await relays.subscribe({ name: 's', ...wraps, handler: e => got.push(e.id) }).synced
    expect(got).toEqual([])
    expect(relays.status()[0]).toMatchObject({
      state: 'refused',
      detail: expect.stringContaining('restricted'),
    })
    await relays.subscribe({ name: 't', as: to, ...wraps, handler: e => got.push(e.id) }).synced
    expect(got).toHaveLength(1)
  })

  it('speaks as each session key over connections of its own, gift wraps included', async () => {
    const sockets = new Map<WebSocket, Set<string>>()
    const said = (socket: WebSocket, ...keys: string[]) =>
      sockets.set(socket, new Set([...(sockets.get(socket) ?? []), ...keys]))
    const { url } = await bench.open(
      startScripted(([type, id, filter], say, socket) => {
        if (type === 'REQ') said(socket, ...((filter as Filter)['#p'] ?? []))
        if (type === 'EVENT') said(socket, (id as NostrEvent).pubkey)
        kindly()([type, id], say)
      }),
    )
    const [identity, one, two] = [newKey(), newKey(), newKey()]
    const relays = bench.relays({ identity })
    const wrap = wrapSigned(eventBy(identity), identity, newKey().pubkey, { at: unixNow() })
    relays.publish(eventBy(identity), [url])
    relays.publish(wrap, [url], one)
    for (const key of [one, two]) {
      relays.publish(eventBy(key), [url], key)
      const filter = { kinds: [3450], '#p': [key.pubkey] }
      await relays.subscribe({ name: key.pubkey, as: key, urls: [url], filter, handler: () => {} }).synced
    }
    expect(await relays.flush(5000)).toBe(true)
    expect(new Set([...sockets.values()].map(keys => [...keys].sort().join()))).toEqual(
      new Set([identity.pubkey, [wrap.pubkey, one.pubkey].sort().join(), two.pubkey]),
    )
    expect(relays.status()).toEqual([{ url, state: 'open', pending: 0 }])
  })

  it('sends what waited for its key since the last start, once the key is known', async () => {
    const { url } = await bench.open(
      startScripted(
        ([type, raw], say) => {
          const { id } = raw as NostrEvent
          if (type === 'EVENT') say(['OK', id, authenticated, authenticated ? '' : 'auth-required: who?'])
          if (type === 'AUTH') {
            authenticated = true
            say(['OK', id, true, ''])
          } else if (type === 'REQ') say(['EOSE', raw])
        },
        say => say(['AUTH', 'challenge']),
      ),
    )
    let authenticated = false
    const key = newKey()
    const db = bench.database()
    const before = createRelays({ db, timings: QUICK })
    const event = eventBy(key)
    before.publish(event, [url], key)
    await before.close()
    const relays = bench.relays({ db })
    await until('the refusal', () => relays.status()[0]?.detail === 'auth-required: who?')
    relays.subscribe({ name: 's', as: key, urls: [url], filter: { kinds: [3450] }, handler: () => {} })
    await relays.delivered(event.id)
  })

  it('has the events of a session deleted by their author', async () => {
    const { url } = await bench.open(relay())
    const [author, other] = [newKey(), newKey()]
    const relays = bench.relays()
    const own = Array.from({ length: 3 }, (_, i) => eventBy(author, { content: `${i}` }))
    const foreign = eventBy(other)
    const when = { at: unixNow(), expiration: seconds(unixNow() + 60) }
    const requests = deletionsOf([...own, foreign], author, when)
    for (const event of [...own, foreign, ...requests]) {
      relays.publish(event, [url])
      await relays.delivered(event.id)
    }
    const got: string[] = []
    await relays.subscribe({
      name: 's',
      urls: [url],
      filter: { kinds: [3450] },
      handler: e => got.push(e.id),
    }).synced
    expect(got).toEqual([foreign.id])
    expect(
      deletionsOf(
        Array.from({ length: 401 }, () => foreign),
        other,
        when,
      ),
    ).toHaveLength(3)
    expect(deletionsOf([], other, when)).toEqual([])
  })

  it('takes back what it sent under one key, once, and sends the rest of it no more', async () => {
    const [{ url }, gone] = [await bench.open(relay()), await relay('gone')]
    await gone.close()
    const [author, other] = [newKey(), newKey()]
    const relays = bench.relays()
    const [one, two, foreign] = [eventBy(author), eventBy(author, { content: '2' }), eventBy(other)]
    for (const event of [one, two, foreign]) {
      relays.publish(event, [url, gone.url])
      await relays.delivered(event.id)
    }
    const pending = () => relays.status().find(status => status.url === gone.url)?.pending
    expect(pending()).toBe(3)
    const got: NostrEvent[] = []
    bench.relays().subscribe({ name: 's', urls: [url], filter: { kinds: [5] }, handler: e => got.push(e) })
    relays.retract(author)
    await until('the request', () => got.length === 1)
    expect(got[0]?.tags.filter(([name]) => name === 'e')).toEqual([
      ['e', one.id],
      ['e', two.id],
    ])
    // To the relay that is away goes the other key's event, and the request.
    expect(pending()).toBe(2)
    relays.retract(author)
    await relays.delivered(got[0]!.id)
    expect(pending()).toBe(2)
    const left: string[] = []
    const filter = { kinds: [3450] }
    await bench.relays().subscribe({ name: 't', urls: [url], filter, handler: e => left.push(e.id) }).synced
    expect(left).toEqual([foreign.id])
  })

  it('probes which relays take an event', async () => {
    const [good, gone] = [await bench.open(relay()), await relay('gone')]
    await gone.close()
    const event = eventBy(newKey(), { created_at: unixNow() })
    const { accepted, refused } = await bench.relays().probe([good.url, gone.url], event)
    expect(accepted).toEqual([good.url])
    expect(refused).toEqual([{ url: gone.url, reason: expect.stringContaining('ECONNREFUSED') }])
  })

  it('refuses addresses that are no relay and an empty list', () => {
    const relays = bench.relays()
    const event = eventBy(newKey())
    expect(() => relays.publish(event, ['https://example.org'])).toThrow(/not a relay/)
    expect(() => relays.publish(event, ['wss://user:secret@example.org'])).toThrow(/not a relay/)
    expect(() => relays.publish(event, [])).toThrow(/no relay/)
    expect(relays.status()).toEqual([])
  })
})
