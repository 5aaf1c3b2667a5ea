import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { verifyEvent } from 'nostr-tools/pure'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seconds } from '../../shared/units.ts'
import { Bench, eventBy, newKey, QUICK, unixNow, until } from './bench.test-support.ts'
import type { NostrEvent } from './event.ts'
import { createRelays, type Relays } from './relays.ts'
import { kindly, type ScriptedRelay, startScripted } from './scripted-relay.test-support.ts'

const FILTER = { kinds: [3450] }

describe('relays that are down, odd or hostile', () => {
  let bench: Bench
  beforeEach(() => {
    bench = new Bench()
  })
  afterEach(() => bench.close())

  /** Subscribes to kind 3450 and collects contents. */
  function listen(relays: Relays, urls: string[]) {
    const got: string[] = []
    const { synced } = relays.subscribe({
      name: 's',
      urls,
      filter: FILTER,
      handler: e => got.push(e.content),
    })
    return { got, synced }
  }

  it('asks a relay from its last complete sync less two days, and from the beginning where there was none', async () => {
    const [mute, good] = [
      await bench.open(startScripted(() => {})),
      await bench.open(startScripted(kindly())),
    ]
    const clock = unixNow()
    const db = bench.database()
    for (const _ of [1, 2]) {
      const relays = createRelays({ db, timings: QUICK, now: () => clock })
      await listen(relays, [mute.url, good.url]).synced
      await relays.close()
    }
    const asked = (relay: ScriptedRelay) =>
      relay.heard.filter(([type]) => type === 'REQ').map(([, , filter]) => filter)
    expect(asked(good)).toEqual([FILTER, { ...FILTER, since: clock - 2 * 24 * 3600 - 15 * 60 }])
    expect(new Set(asked(mute).map(filter => JSON.stringify(filter)))).toEqual(
      new Set([JSON.stringify(FILTER)]),
    )
  })

  it('never asks from the future, when a clock ran ahead once', async () => {
    const relay = await bench.open(startScripted(kindly()))
    const clock = unixNow()
    const db = bench.database()
    for (const now of [seconds(clock + 1000 * 24 * 3600), clock]) {
      const relays = createRelays({ db, timings: QUICK, now: () => now })
      await listen(relays, [relay.url]).synced
      await relays.close()
    }
    const [, , filter] = relay.heard.filter(([type]) => type === 'REQ')[1] ?? []
    expect(filter).toEqual({ ...FILTER, since: clock - 2 * 24 * 3600 - 15 * 60 })
  })

  it('is not held up by a relay that never answers', async () => {
    const mute = await bench.open(startScripted(() => {}))
    const good = await bench.open(startScripted(kindly([eventBy(newKey(), { content: 'real' })])))
    const relays = bench.relays()
    const { got, synced } = listen(relays, [mute.url, good.url])
    await synced
    expect(got).toEqual(['real'])
    const event = eventBy(newKey())
    relays.publish(event, [mute.url, good.url])
    await relays.delivered(event.id)
    expect(relays.status().find(s => s.url === mute.url)).toMatchObject({ pending: 1, state: 'refused' })
    // and goes on trying
    await until('a second try', () => mute.heard.filter(([type]) => type === 'EVENT').length >= 2)
  })

  it('backs off from a relay that hangs up at once', async () => {
    const rude = await bench.open(
      startScripted(
        () => {},
        (_, socket) => socket.close(4000, 'go away'),
      ),
    )
    const relays = bench.relays({ timings: { ...QUICK, retry: 100, retryMax: 60_000 }, random: () => 0 })
    const started = performance.now()
    await listen(relays, [rude.url]).synced
    await until('three connections', () => rude.connections() === 3)
    // 50 and 100 ms: the first two waits, with the least jitter
    expect(performance.now() - started).toBeGreaterThan(150)
    await until('a reason', () => relays.status()[0]?.detail === 'go away')
  })

  it('ignores garbage of every sort and still takes the real event', async () => {
    const event = eventBy(newKey(), { content: 'real' })
    const deep = `["EVENT","x",${'['.repeat(50_000)}${']'.repeat(50_000)}]`
    const relay = await bench.open(
      startScripted(([type, id], say, socket) => {
        if (type !== 'REQ') return
        say(`["EVENT","${id}",${JSON.stringify(event).replace(/"created_at":\d+/, '"created_at":1e999')}]`)
        for (const text of ['', '{', 'null', '[]', '["EVENT"]', '[1,2]', '["OK",1]', '["EVENT",{}]', deep])
          say(text)
        socket.send(Buffer.from([0xff, 0xfe, 0]))
        for (const raw of [null, 7, [], {}, { ...event, tags: 'x' }, { ...event, created_at: -1.5 }])
          say(['EVENT', id, raw])
        say(['EVENT', id, { ...event, tags: [[1]] }])
        say(['EVENT', 'not-a-subscription', event])
        say(['EOSE', 'not-a-subscription'])
        say(['OK', '', false, 'error: late and without an id'])
        say(['EVENT', id, event])
        say(['EOSE', id])
      }),
    )
    const { got, synced } = listen(bench.relays(), [relay.url])
    await synced
    expect(got).toEqual(['real'])
  })

  it('hangs up on a message too large to be one, without taking it in', async () => {
    const huge = JSON.stringify(['NOTICE', 'x'.repeat(8 * 1024 * 1024)])
    const relay = await bench.open(startScripted(([type], say) => type === 'REQ' && say(huge)))
    const relays = bench.relays()
    await listen(relays, [relay.url]).synced
    await until('another connection', () => relay.connections() > 1)
    await until('a reason', () => /payload/i.test(relays.status()[0]?.detail ?? ''))
  })

  it.each(['before', 'on another relay'])(
    'a forgery with the real id, sent %s, does not hide the real event',
    async where => {
      const real = eventBy(newKey(), { content: 'real' })
      const forged = { ...real, content: 'forged' }
      const badSignature = { ...real, sig: real.sig.replace(/^../, real.sig.startsWith('00') ? '01' : '00') }
      const liar = await bench.open(
        startScripted(kindly(where === 'before' ? [forged, badSignature, real] : [forged, badSignature])),
      )
      const relays = bench.relays()
      const first = listen(relays, [liar.url])
      await first.synced
      if (where === 'before') return expect(first.got).toEqual(['real'])
      expect(first.got).toEqual([])
      const honest = await bench.open(startScripted(kindly([real])))
      const second = listen(relays, [honest.url])
      await second.synced
      expect(second.got).toEqual(['real'])
    },
  )

  it('does not trust the cached mark of a verified event that was changed', async () => {
    const real = eventBy(newKey(), { content: 'real' })
    expect(verifyEvent(real)).toBe(true)
    const relay = await bench.open(startScripted(kindly([{ ...real, content: 'changed' }])))
    const { got, synced } = listen(bench.relays(), [relay.url])
    await synced
    expect(got).toEqual([])
  })

  it('hangs up on a relay that keeps forging or sends what nobody asked for', async () => {
    const others = Array.from({ length: 60 }, () => eventBy(newKey(), { kind: 1 }))
    const relay = await bench.open(startScripted(kindly(others)))
    const log: string[] = []
    const relays = bench.relays({ log: line => log.push(line) })
    const { got, synced } = listen(relays, [relay.url])
    await synced
    expect(got).toEqual([])
    expect(relays.status()[0]).toMatchObject({
      state: 'waiting',
      detail: 'it sends forged or unwanted events',
    })
    expect(log).toHaveLength(1)
  })

  it('fetches what lies beyond the relay’s page, also when one second fills a page', async () => {
    const key = newKey()
    const at = 1_700_000_000
    const stored = [5, 4, 4, 4, 3, 2, 2, 1].map((t, i) =>
      eventBy(key, { created_at: at + t, content: `${i}` }),
    )
    const relay = await bench.open(
      startScripted(([type, id, filter], say) => {
        if (type !== 'REQ') return
        const { until: to = Number.POSITIVE_INFINITY } = filter as { until?: number }
        for (const event of stored.filter(e => e.created_at <= to).slice(0, 3)) say(['EVENT', id, event])
        say(['EOSE', id])
      }),
    )
    const { got, synced } = listen(bench.relays(), [relay.url])
    await synced
    expect(got.sort()).toEqual(stored.map(e => e.content).sort())
  })

  it('authenticates for an event when asked, with the connection’s key only, for this relay and challenge', async () => {
    const [author, other] = [newKey(), newKey()]
    const shown: NostrEvent[] = []
    const relay = await bench.open(
      startScripted(([type, raw], say) => {
        const event = raw as NostrEvent
        if (type === 'AUTH') {
          shown.push(event)
          say(['OK', event.id, true, ''])
        } else if (type === 'EVENT' && shown.length === 0) {
          say(['OK', event.id, false, 'auth-required: who are you?'])
          say(['AUTH', 'prove-it'])
        } else if (type === 'EVENT') say(['OK', event.id, true, ''])
      }),
    )
    const relays = bench.relays({ identity: other })
    const event = eventBy(author)
    relays.publish(event, [relay.url], author)
    await relays.delivered(event.id)
    expect(shown.map(e => e.pubkey)).toEqual([author.pubkey])
    expect(shown[0]).toMatchObject({
      kind: 22242,
      tags: [
        ['relay', relay.url],
        ['challenge', 'prove-it'],
      ],
    })
    expect(verifyEvent(JSON.parse(JSON.stringify(shown[0])))).toBe(true)
  })

  it('stops asking when authentication does not help, and shows why', async () => {
    const relay = await bench.open(
      startScripted(
        ([type, raw], say) => {
          if (type === 'REQ') say(['CLOSED', raw, 'auth-required: members only'])
          else if (type !== 'CLOSE')
            say(['OK', (raw as NostrEvent).id, type === 'AUTH', 'auth-required: members only'])
        },
        say => say(['AUTH', 'c']),
      ),
    )
    const key = newKey()
    const relays = bench.relays({ identity: key })
    await listen(relays, [relay.url]).synced
    const { accepted, refused } = await relays.probe([relay.url], eventBy(key))
    expect([accepted, refused]).toEqual([[], [{ url: relay.url, reason: 'auth-required: members only' }]])
    expect(relays.status()[0]).toMatchObject({ state: 'refused', detail: 'auth-required: members only' })
    expect(relay.heard.filter(([type]) => type === 'REQ')).toHaveLength(2)
    expect(relay.heard.filter(([type]) => type === 'AUTH')).toHaveLength(1)
  })

  it('waits and tries again when it is rate-limited', async () => {
    const times: number[] = []
    const relay = await bench.open(
      startScripted(([type, raw], say) => {
        if (type !== 'EVENT') return
        times.push(performance.now())
        const ok = times.length > 2
        say(['OK', (raw as NostrEvent).id, ok, ok ? '' : 'rate-limited: slow down'])
      }),
    )
    const relays = bench.relays({ random: () => 0 })
    const event = eventBy(newKey())
    relays.publish(event, [relay.url])
    await relays.delivered(event.id)
    const [a = 0, b = 0, c = 0] = times
    expect(times).toHaveLength(3)
    // half of 100 and of 200 ms: the least jitter
    expect(b - a).toBeGreaterThan(45)
    expect(c - b).toBeGreaterThan(95)
  })

  it('counts as published what a relay has already, and an ephemeral event nobody listened to', async () => {
    const relay = await bench.open(
      startScripted(([type, raw], say) => {
        const event = raw as NostrEvent
        const reason = event.kind >= 20_000 ? 'mute: no one was listening for this' : 'duplicate: have it'
        if (type === 'EVENT') say(['OK', event.id, false, reason])
      }),
    )
    const { accepted } = await bench.relays().probe([relay.url], eventBy(newKey()))
    expect(accepted).toEqual([relay.url])
    expect((await bench.relays().probe([relay.url], eventBy(newKey(), { kind: 23455 }))).accepted).toEqual([
      relay.url,
    ])
  })

  it('shows a refusal, and lets the other relay’s OK decide', async () => {
    const blocking = await bench.open(
      startScripted(([type, raw], say) => {
        if (type === 'EVENT') say(['OK', (raw as NostrEvent).id, false, 'blocked: not on the \u001b[31mlist'])
      }),
    )
    const log: string[] = []
    const relays = bench.relays({ log: line => log.push(line) })
    const event = eventBy(newKey())
    relays.publish(event, [blocking.url])
    await until('the refusal', () => relays.status()[0]?.detail === 'blocked: not on the  [31mlist')
    expect(await relays.flush(20)).toBe(false)
    const good = await bench.open(startScripted(kindly()))
    relays.publish(event, [good.url])
    expect(await relays.flush(5000)).toBe(true)
    expect(log).toEqual([`${blocking.url} does not take event ${event.id}: blocked: not on the  [31mlist`])
  })

  it('notices a connection that died without a word', async () => {
    const relay = await bench.open(startScripted(kindly(), () => {}, { autoPong: false }))
    const relays = bench.relays()
    await listen(relays, [relay.url]).synced
    await until('a new connection', () => relay.connections() > 1)
  })

  it('wakes at once, however long it meant to wait', async () => {
    const relay = await bench.open(
      startScripted(kindly(), (_, socket) => relay && relay.connections() < 2 && socket.close()),
    )
    const relays = bench.relays({ timings: { ...QUICK, retry: 60_000, retryMax: 60_000 } })
    listen(relays, [relay.url])
    await until('waiting', () => relays.status()[0]?.state === 'waiting')
    relays.wake()
    await until('open', () => relays.status()[0]?.state === 'open')
  })

  it('says when a server answers with HTTP, and follows no redirect', async () => {
    const asked: string[] = []
    const server = createServer()
    server.on('upgrade', (request, socket) => {
      asked.push(request.url ?? '')
      socket.end(
        request.url === '/moved'
          ? 'HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n'
          : 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n',
      )
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    bench.later(() => new Promise(resolve => server.close(resolve)))
    // a TCP server's address has a port
    const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`
    const relays = bench.relays({ timings: { ...QUICK, retry: 60_000, retryMax: 60_000 } })
    await listen(relays, [url, `${url}/moved`]).synced
    expect(relays.status()).toEqual([
      { url, state: 'refused', detail: 'HTTP 403', pending: 0 },
      { url: `${url}/moved`, state: 'waiting', detail: 'HTTP 302', pending: 0 },
    ])
    expect(asked.sort()).toEqual(['/', '/moved'])
  })
})
