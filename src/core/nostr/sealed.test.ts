import fc from 'fast-check'
import { getPow } from 'nostr-tools/nip13'
import { encrypt, getConversationKey } from 'nostr-tools/nip44'
import { wrapEvent } from 'nostr-tools/nip59'
import { describe, expect, it } from 'vitest'
import { seconds } from '../../shared/units.ts'
import { eventBy, newKey, unixNow } from './bench.test-support.ts'
import {
  bytesOf,
  GIFT_WRAP,
  httpUrl,
  isHttpUrl,
  isRelayUrl,
  MAX_EVENT_BYTES,
  mine,
  type NostrEvent,
  openSession,
  parseJson,
  readEvent,
  relayUrl,
  replaces,
  sealSession,
  sign,
  unwrapSigned,
  WireError,
  workOf,
  wrapSigned,
} from './index.ts'
import { MAX_SESSION_BYTES } from './session.ts'

const [ann, bob, eve] = [newKey(), newKey(), newKey()]
const at = unixNow()
const expiration = seconds(at + 60)
const refusal = (code: string) => expect.objectContaining({ name: 'WireError', code })
/** As it comes out of a socket. */
const fresh = (event: NostrEvent): NostrEvent => readEvent(JSON.parse(JSON.stringify(event)))

describe('a signed event in a gift wrap', () => {
  const inner = eventBy(ann, { content: 'bid' })

  it('comes out as it went in, and the outside shows neither author nor time', () => {
    const wrap = fresh(wrapSigned(inner, ann, bob.pubkey, { at, expiration }))
    expect(unwrapSigned(wrap, bob.secret)).toEqual(inner)
    expect(wrap.kind).toBe(GIFT_WRAP)
    expect(wrap.pubkey).not.toBe(ann.pubkey)
    expect(wrap.tags).toEqual([
      ['p', bob.pubkey],
      ['expiration', String(expiration)],
    ])
    expect(wrap.created_at).toBeGreaterThan(at - 2 * 24 * 3600 - 1)
    expect(wrap.created_at).toBeLessThanOrEqual(at)
    const times = Array.from({ length: 8 }, () => wrapSigned(inner, ann, bob.pubkey, { at }).created_at)
    expect(new Set(times).size).toBeGreaterThan(1)
  })

  it('opens for its recipient only', () => {
    const wrap = wrapSigned(inner, ann, bob.pubkey, { at })
    expect(() => unwrapSigned(wrap, eve.secret)).toThrow(refusal('wire/recipient'))
    const readdressed = { ...wrap, tags: [['p', eve.pubkey]] }
    expect(() => unwrapSigned(readdressed, eve.secret)).toThrow(refusal('wire/sealed'))
  })

  const wrapOf = (content: string, key = eve) =>
    sign(
      {
        kind: GIFT_WRAP,
        created_at: at,
        tags: [['p', bob.pubkey]],
        content: encrypt(content, getConversationKey(key.secret, bob.pubkey)),
      },
      key.secret,
    )
  const sealOf = (content: string, key = eve, kind = 13) =>
    JSON.stringify(
      sign(
        {
          kind,
          created_at: at,
          tags: [],
          content: encrypt(content, getConversationKey(key.secret, bob.pubkey)),
        },
        key.secret,
      ),
    )

  it.each([
    ['no JSON', wrapOf('{'), 'wire/json'],
    ['JSON nested deep', wrapOf('['.repeat(20_000)), 'wire/json'],
    ['no event', wrapOf('{"kind":13}'), 'wire/event'],
    ['a seal of another kind', wrapOf(sealOf(JSON.stringify(inner), ann, 14)), 'wire/kind'],
    ['someone else’s event in eve’s seal', wrapOf(sealOf(JSON.stringify(inner))), 'wire/author'],
    [
      'an event changed after it was signed',
      wrapOf(sealOf(JSON.stringify({ ...inner, content: 'x' }), ann)),
      'wire/event',
    ],
    [
      'an unsigned rumor (plain NIP-59)',
      wrapEvent({ kind: 3450, content: 'x' }, ann.secret, bob.pubkey),
      'wire/event',
    ],
    [
      'a seal with a broken signature',
      wrapOf(sealOf(JSON.stringify(inner), ann).replace(/"sig":"../, '"sig":"zz')),
      'wire/event',
    ],
    [
      'no ciphertext',
      sign({ kind: GIFT_WRAP, created_at: at, tags: [['p', bob.pubkey]], content: 'x' }, eve.secret),
      'wire/sealed',
    ],
    ['no wrap', sign({ kind: 1, created_at: at, tags: [], content: '' }, eve.secret), 'wire/kind'],
    [
      'content beyond the limit',
      sign(
        { kind: GIFT_WRAP, created_at: at, tags: [['p', bob.pubkey]], content: 'A'.repeat(40_000) },
        eve.secret,
      ),
      'wire/size',
    ],
  ])('refuses %s', (_, wrap, code) => {
    expect(() => unwrapSigned(wrap, bob.secret)).toThrow(refusal(code))
  })

  it('is never made for someone else’s event, nor over the size of the wire', () => {
    expect(() => wrapSigned(inner, eve, bob.pubkey, { at })).toThrow(refusal('wire/author'))
    const big = eventBy(ann, { content: 'x'.repeat(20_000) })
    expect(() => wrapSigned(big, ann, bob.pubkey, { at })).toThrow(refusal('wire/size'))
    const ok = wrapSigned(eventBy(ann, { content: 'x'.repeat(13_900) }), ann, bob.pubkey, { at })
    expect(bytesOf(ok)).toBeLessThanOrEqual(MAX_EVENT_BYTES)
  })
})

describe('a session message', () => {
  const message = { kind: 3452, from: ann, to: bob.pubkey, at, expiration }

  it('round-trips any JSON, for both sides', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 5 }), json => {
        const content = JSON.parse(json)
        const event = fresh(sealSession({ ...message, content }))
        expect(openSession(event, bob.secret)).toEqual(content)
        expect(openSession(event, ann.secret)).toEqual(content)
      }),
      { numRuns: 25 },
    )
  })

  it('is closed to everyone else', () => {
    const event = sealSession({ ...message, content: 1 })
    expect(() => openSession(event, eve.secret)).toThrow(refusal('wire/recipient'))
    const stolen = sign({ ...event, pubkey: eve.pubkey } as NostrEvent, eve.secret)
    expect(() => openSession(stolen, bob.secret)).toThrow(refusal('wire/sealed'))
  })

  it('fits the wire at its largest, and is refused beyond', () => {
    const event = sealSession({
      ...message,
      content: 'x'.repeat(MAX_SESSION_BYTES - 2),
      tags: [
        ['v', '1'],
        ['d', 'x'.repeat(64)],
      ],
    })
    expect(bytesOf(event)).toBeLessThanOrEqual(MAX_EVENT_BYTES)
    expect(openSession(event, bob.secret)).toHaveLength(MAX_SESSION_BYTES - 2)
    expect(() => sealSession({ ...message, content: 'x'.repeat(MAX_SESSION_BYTES - 1) })).toThrow(
      refusal('wire/size'),
    )
  })

  it('refuses a missing, repeated or impossible recipient', () => {
    const event = sealSession({ ...message, content: 1 })
    const tagged = (tags: string[][]) => openSession({ ...event, tags }, bob.secret)
    expect(() => tagged([])).toThrow(refusal('wire/tag'))
    expect(() =>
      tagged([
        ['p', bob.pubkey],
        ['p', eve.pubkey],
      ]),
    ).toThrow(refusal('wire/tag'))
    expect(() => tagged([['p', 'x']])).toThrow(refusal('wire/tag'))
    // no point on the curve
    const nobody = 'f'.repeat(64)
    expect(() => openSession({ ...event, pubkey: nobody, tags: [['p', bob.pubkey]] }, bob.secret)).toThrow(
      refusal('wire/sealed'),
    )
    expect(() => sealSession({ ...message, to: nobody, content: 1 })).toThrow(refusal('wire/sealed'))
  })

  it('answers every mutation of its ciphertext with a refusal', () => {
    const event = sealSession({ ...message, content: { a: 1 } })
    fc.assert(
      fc.property(fc.nat(event.content.length - 1), fc.string({ maxLength: 3 }), (i, text) => {
        const content = event.content.slice(0, i) + text + event.content.slice(i + 1)
        if (content === event.content) return
        expect(() => openSession({ ...event, content }, bob.secret)).toThrow(WireError)
      }),
      { numRuns: 60 },
    )
  })
})

describe('an event read from JSON', () => {
  it('is only what was signed: whatever is changed or added is refused or left out', () => {
    const event = eventBy(ann, { content: 'é\ud83d\ude00', tags: [['d', 'x']] })
    expect(readEvent(JSON.parse(JSON.stringify({ ...event, extra: 1, __proto__: { x: 1 } })))).toEqual(event)
    for (const change of [
      { content: 'x' },
      { kind: 1 },
      { created_at: 1 },
      { tags: [] },
      { pubkey: eve.pubkey },
      { id: eve.pubkey },
      { sig: '0'.repeat(128) },
      { sig: '' },
      { id: event.id.toUpperCase() },
      { kind: 65_536 },
      { created_at: 1.5 },
      { created_at: '1' },
      { tags: [['d', 1]] },
      { content: null },
    ])
      expect(() => readEvent({ ...event, ...change }), JSON.stringify(change)).toThrow(refusal('wire/event'))
    for (const value of [null, 1, 'x', [], {}, undefined])
      expect(() => readEvent(value)).toThrow(refusal('wire/event'))
  })

  it('never believes the cached verdict of the library', () => {
    const event = eventBy(ann)
    const marked = sign({ kind: 1, created_at: 1, tags: [], content: '' }, ann.secret)
    expect(() => readEvent({ ...marked, ...event, content: 'changed' })).toThrow(refusal('wire/event'))
  })

  it('replaces an older version, and on a tie the one with the higher id', () => {
    const [a, b] = [
      eventBy(ann, { created_at: at, content: 'a' }),
      eventBy(ann, { created_at: at, content: 'b' }),
    ]
    const [low, high] = a.id < b.id ? [a, b] : [b, a]
    expect([replaces(low, high), replaces(high, low), replaces(a, a)]).toEqual([true, false, false])
    const newer = eventBy(ann, { created_at: at + 1 })
    expect([replaces(newer, low), replaces(low, newer)]).toEqual([true, false])
  })
})

describe('JSON from a stranger', () => {
  it('is bounded in length and depth before it is parsed', () => {
    expect(() => parseJson('[]', 1)).toThrow(refusal('wire/size'))
    expect(() => parseJson(`${'['.repeat(17)}${']'.repeat(17)}`, 100)).toThrow(refusal('wire/json'))
    expect(() => parseJson('{"a":'.repeat(100_000), 1e6)).toThrow(refusal('wire/json'))
    expect(parseJson('"[[[[[[[[[[[[[[[[[[[[\\"[[[["', 100)).toBe('[[[[[[[[[[[[[[[[[[[["[[[[')
  })

  it('gives what JSON.parse gives, or a refusal', () => {
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), text => {
        let expected: unknown
        try {
          expected = JSON.parse(text)
        } catch {
          expect(() => parseJson(text, 1e6)).toThrow(WireError)
          return
        }
        expect(parseJson(text, 1e6)).toEqual(expected)
      }),
    )
  })
})

describe('work (NIP-13)', () => {
  it('is found, and counted as nostr-tools counts it', async () => {
    const template = {
      kind: 3450,
      created_at: at,
      tags: [['a', '["nonce","","10"]']],
      content: '["nonce","","10"]]',
    }
    const event = sign(await mine(template, ann.pubkey, 10), ann.secret)
    expect(getPow(event.id)).toBeGreaterThanOrEqual(10)
    expect(workOf(event)).toBe(10)
    expect(fresh(event)).toEqual(event)
  })

  it('counts only what was committed to, and only if it was done', () => {
    const id = `000${'f'.repeat(61)}`
    const work = (...nonce: string[]) => workOf({ id, tags: [['nonce', ...nonce]] })
    expect([
      work('1', '12'),
      work('1', '8'),
      work('1', '13'),
      work('1'),
      work('1', '-1'),
      work('1', '1e1'),
    ]).toEqual([12, 8, 0, 0, 0, 0])
    expect(workOf({ id, tags: [] })).toBe(0)
  })

  it('can be stopped, and is refused when it would take days', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(new Error('stop')), 20)
    const template = { kind: 1, created_at: at, tags: [], content: '' }
    await expect(mine(template, ann.pubkey, 32, { signal: stop.signal })).rejects.toThrow('stop')
    await expect(mine(template, ann.pubkey, 33)).rejects.toThrow(RangeError)
  })
})

describe('addresses', () => {
  it('have one spelling', () => {
    expect(relayUrl(' WSS://Relay.Example.org:443/ ')).toBe('wss://relay.example.org')
    expect(relayUrl('ws://127.0.0.1:7777/a/')).toBe('ws://127.0.0.1:7777/a')
    expect(httpUrl('https://Mint.example.org/Bitcoin/')).toBe('https://mint.example.org/Bitcoin')
    expect([isRelayUrl('wss://x.org'), isRelayUrl('wss://x.org/'), isRelayUrl('wss://X.org')]).toEqual([
      true,
      false,
      false,
    ])
    expect([isHttpUrl('https://x.org'), isHttpUrl('ftp://x.org'), isHttpUrl('http://a@x.org')]).toEqual([
      true,
      false,
      false,
    ])
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true }), url => {
        const relay = url.replace(/^http/, 'ws')
        if (relay.length <= 200) expect(relayUrl(relayUrl(relay))).toBe(relayUrl(relay))
      }),
    )
  })

  it.each([
    '',
    'relay.example.org',
    'https://x.org',
    'wss://',
    'wss://x.org/#a',
    `wss://${'x'.repeat(200)}.org`,
    'javascript:alert(1)',
  ])('refuses %j as a relay', text =>
    expect(() => relayUrl(text)).toThrow(expect.objectContaining({ code: 'nostr/bad-relay-url' })),
  )
})
