import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_EVENT_BYTES, type NostrEvent, parseJson, WireError } from '../nostr/index.ts'
import { checked } from './content.ts'
import { contents } from './contents.test-support.ts'
import { asLine } from './fields.ts'
import { AT, forge, type KindName, kindNames, post, read, receiver, sender } from './post.test-support.ts'
import { wire } from './wire.ts'

/** One valid content of each kind, always the same. */
const sample = (name: KindName): object => {
  const arbitrary: fc.Arbitrary<object> = contents[name]
  return fc.sample(arbitrary, { seed: 7, numRuns: 1 })[0] ?? {}
}

/** A content as every codec reads it, without the cost of keys. */
const readContent = (name: KindName, json: string): object =>
  checked<object>(name, wire[name].schema, parseJson(json, MAX_EVENT_BYTES))

/** Every place in a JSON value: the path, and what is there. */
function places(
  value: unknown,
  path: (string | number)[] = [],
): { path: (string | number)[]; value: unknown }[] {
  const own = { path, value }
  if (typeof value !== 'object' || value === null) return [own]
  return [
    own,
    ...Object.entries(value).flatMap(([key, v]) =>
      places(v, [...path, Array.isArray(value) ? Number(key) : key]),
    ),
  ]
}

/** JSON with something else at `path`; `text` stands as it is, so it may be what no serialiser writes. */
function replaced(value: object, path: (string | number)[], text: string): string {
  const mark = '@@here@@'
  const copy = structuredClone(value)
  if (path.length === 0) return text
  // the path was found in this very value
  const parent = path.slice(0, -1).reduce((at, key) => (at as Record<string, object>)[key] as object, copy)
  ;(parent as Record<string, unknown>)[path.at(-1) as string] = mark
  return JSON.stringify(copy).replace(`"${mark}"`, () => text)
}

const HOSTILE = [
  'null',
  'true',
  '-1',
  '0',
  '0.5',
  '1e999',
  '-1e999',
  '1e308',
  '9007199254740993',
  '""',
  '"1"',
  '"NaN"',
  '[]',
  '{}',
  '[[]]',
  '"\\ud800"',
  '"\\u0000"',
  '"\\u202eevil"',
  '"a\\nb"',
  '{"__proto__":{"x":1}}',
  '{"constructor":1}',
  `"${'x'.repeat(5000)}"`,
  `[${'0,'.repeat(3000)}0]`,
  `${'['.repeat(40)}${']'.repeat(40)}`,
  '{"toString":1}',
  '"javascript:alert(1)"',
  '"file:///etc/passwd"',
]

const OPTIONAL = new Set([
  'job.receipts',
  'bid.receipts',
  'round.shard',
  'update.parent',
  'verdict.parent',
  'leave.parent',
  'leave.round',
  'leave.witnesses',
])

const CHECKED_TAGS: Record<KindName, string[]> = {
  offer: ['d', 'expiration'],
  job: ['d', 'expiration'],
  receipt: ['a', 'p'],
  announcement: ['d', 'k'],
  bid: ['p', 'a', 'e'],
  award: ['p', 'a', 'e'],
  answer: ['p'],
  round: ['p'],
  progress: ['p'],
  update: ['p'],
  verdict: ['p'],
  leave: ['p'],
  checkpoint: ['p', 'd'],
}

describe.each(kindNames)('the wire: %s', name => {
  it('comes out as it went in', () => {
    const arbitrary: fc.Arbitrary<object> = contents[name]
    fc.assert(
      fc.property(arbitrary, content => {
        // what is undefined is not in JSON
        expect(read(name, post(name, content))).toEqual(JSON.parse(JSON.stringify(content)))
      }),
      { numRuns: 10 },
    )
  })

  it('leaves out fields it does not know', () => {
    const content = sample(name)
    expect(read(name, forge(name, post(name, content), JSON.stringify({ ...content, future: 1 })))).toEqual(
      content,
    )
  })

  it('refuses a content with any one field missing, unless it is optional', () => {
    const content = sample(name)
    for (const field of Object.keys(content)) {
      const { [field as keyof object]: _, ...rest } = content
      const parse = () => readContent(name, JSON.stringify(rest))
      if (OPTIONAL.has(`${name}.${field}`)) parse()
      else expect(parse, field).toThrow(expect.objectContaining({ code: 'wire/content', field }))
    }
  })

  it('answers anything hostile, anywhere, with a refusal or a content within its bounds', () => {
    const content = sample(name)
    for (const { path } of places(content))
      for (const text of HOSTILE) {
        let got: object
        try {
          got = readContent(name, replaced(content, path, text))
        } catch (error) {
          expect(error).toBeInstanceOf(WireError)
          continue
        }
        expect(readContent(name, JSON.stringify(got))).toEqual(got)
      }
  })

  it('takes no number that is infinite, and none in the shape of something else', () => {
    const content = sample(name)
    for (const { path, value } of places(content).filter(p => typeof p.value === 'number'))
      for (const text of ['1e999', '-1e999', `"${value}"`, 'null', 'true', '[1]']) {
        // a token is one thing or another: it is refused as a whole
        const field = path[0] === 'token' ? 'token' : path.join('.')
        expect(() => readContent(name, replaced(content, path, text)), `${field} = ${text}`).toThrow(
          expect.objectContaining({ code: 'wire/content', field }),
        )
      }
  })

  it.each([
    ['no JSON', '{', 'wire/json'],
    ['nested JSON', `${'{"a":'.repeat(200)}1${'}'.repeat(200)}`, 'wire/json'],
    ['a list', '[]', 'wire/content'],
    ['null', 'null', 'wire/content'],
    ['too much', JSON.stringify('x'.repeat(40_000)), 'wire/size'],
  ])('refuses %s', (_, json, code) => {
    const forged = forge(name, post(name, sample(name)), json)
    expect(() => read(name, forged)).toThrow(expect.objectContaining({ name: 'WireError', code }))
  })

  it('refuses another version or kind', () => {
    const event = post(name, sample(name))
    const others = event.tags.filter(t => t[0] !== 'v')
    const refused = (code: string, field: string, change: Partial<NostrEvent>) =>
      expect(() => read(name, { ...event, ...change }), code).toThrow(
        expect.objectContaining({ code, field }),
      )
    refused('wire/kind', 'kind', { kind: event.kind + 1 })
    refused('wire/version', 'tags.v', { tags: others })
    refused('wire/version', 'tags.v', { tags: [...others, ['v', '2']] })
    refused('wire/version', 'tags.v', { tags: [...event.tags, ['v', '1']] })
  })

  it('refuses a tag that is missing, wrong or repeated', () => {
    const event = post(name, sample(name))
    const code = wire[name].layer === 'public' ? 'wire/tag' : expect.stringMatching('wire/(tag|recipient)')
    for (const tag of CHECKED_TAGS[name]) {
      const others = event.tags.filter(t => t[0] !== tag)
      for (const tags of [others, [...others, [tag, '../x']], [...event.tags, [tag, event.pubkey]]])
        expect(() => read(name, { ...event, tags }), `${tag}: ${tags}`).toThrow(
          expect.objectContaining({ code, field: `tags.${tag}` }),
        )
    }
  })

  it('refuses to send what it would refuse to read', () => {
    const content = sample(name)
    const [field = ''] = Object.keys(content)
    expect(() => post(name, { ...content, [field]: Number.NaN })).toThrow(
      expect.objectContaining({ code: 'wire/content', field }),
    )
  })
})

describe('the wire as a whole', () => {
  it('has no kind twice', () => {
    expect(new Set(kindNames.map(name => wire[name].kind)).size).toBe(kindNames.length)
  })

  it('reads a session message only from whom it must come', () => {
    const event = post('answer', sample('answer'))
    expect(() => wire.answer.open(event, { me: receiver, from: receiver.pubkey })).toThrow(
      expect.objectContaining({ code: 'wire/author' }),
    )
    // and its own sender can read it, saying to whom it went
    expect(wire.answer.open(event, { me: sender, from: sender.pubkey, to: receiver.pubkey })).toEqual(
      sample('answer'),
    )
  })

  it('refuses an offer that lives longer than ten minutes, or ends before it begins', () => {
    const event = post('offer', sample('offer'))
    const others = event.tags.filter(t => t[0] !== 'expiration')
    const lives = (seconds: number) =>
      read('offer', { ...event, tags: [...others, ['expiration', String(AT + seconds)]] })
    lives(600)
    for (const seconds of [601, 0, -1])
      expect(() => lives(seconds)).toThrow(expect.objectContaining({ field: 'tags.expiration' }))
  })

  it.each([
    ['award', 'times', { start: 5, deadline: 4, release: 6, redeem: 7, lock: 8 }],
    [
      'award',
      'rounds',
      [
        { round: 2, steps: 1, price: 1 },
        { round: 2, steps: 1, price: 1 },
      ],
    ],
    ['award', 'rounds', []],
    ['round', 'times', { startBy: 1, deadline: 2, releaseBy: 3, redeemBy: 4, locktime: 4 }],
    ['round', 'token', 'cashuA'],
    ['receipt', 'delivered', 257],
    ['receipt', 'award', 'the first'],
    ['job', 'receipts', 'yes'],
    ['bid', 'receipts', 1],
    ['verdict', 'figures', { ['x'.repeat(61)]: 1 }],
    ['verdict', 'figures', Object.fromEntries(Array.from({ length: 41 }, (_, i) => [`f${i}`, i]))],
    ['offer', 'mints', ['https://x.example', 'https://x.example']],
    ['offer', 'relays', ['https://x.example']],
    ['offer', 'device', 'a\u202eb'],
    ['bid', 'payments', 'xprv9s21ZrQH143K'],
  ] as const)('refuses %s with an impossible %s', (name, field, value) => {
    const content = sample(name)
    const forged = forge(name, post(name, content), JSON.stringify({ ...content, [field]: value }))
    expect(() => read(name, forged)).toThrow(
      expect.objectContaining({
        code: 'wire/content',
        field: expect.stringMatching(new RegExp(`^${field}`)),
      }),
    )
  })

  it('refuses a verdict that pays nothing and names an amount, and the other way round', () => {
    const content = sample('verdict')
    for (const [paid, sats] of [
      ['none', 5],
      ['full', 0],
    ] as const)
      expect(() => post('verdict', { ...content, paid, sats })).toThrow(
        expect.objectContaining({ field: 'sats' }),
      )
  })

  it('never lets a stranger set a prototype', () => {
    const json = JSON.stringify({ ...sample('verdict'), figures: {} })
    for (const value of ['1', '{"polluted":1}']) {
      const hostile = json.replace('"figures":{}', `"figures":{"__proto__":${value}}`)
      const { figures } = checked('verdict', wire.verdict.schema, parseJson(hostile, MAX_EVENT_BYTES))
      expect(Object.getPrototypeOf(figures)).toBe(Object.prototype)
      expect(Reflect.ownKeys(figures)).toEqual([])
    }
  })

  it('makes any text a line that the wire takes', () => {
    expect(asLine('a\n\u001b[31mb\ud800\u202e ')).toBe('a  [31mb\ufffd')
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 700 }), reason => {
        const content = { ...sample('answer'), reason: asLine(reason) }
        expect(wire.answer.schema.parse(content)).toEqual(content)
      }),
    )
  })
})
