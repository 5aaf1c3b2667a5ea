import fc from 'fast-check'
import { isPubkey, openKeyring } from '../identity/index.ts'

/** Arbitrary valid contents of every kind, as they stand in JSON. */

const { xpub } = openKeyring(
  'leader monkey parrot ring guide accident before fence cannon height naive bean',
).payments('x')

const hex = (bytes: number) =>
  fc.uint8Array({ minLength: bytes, maxLength: bytes }).map(a => Buffer.from(a).toString('hex'))
const hex32 = hex(32)
const pubkey = hex32.filter(isPubkey)
const int = (max: number, min = 0) => fc.integer({ min, max })
const sats = int(2_100_000_000_000_000)
const size = int(Number.MAX_SAFE_INTEGER)
const time = int(4_102_444_800)
const seconds = int(8_640_000)
// JSON has no −0.
const float = (min: number, max: number) =>
  fc.double({ min, max, noNaN: true }).map(x => (Object.is(x, -0) ? 0 : x))
const finite = float(-1e300, 1e300)
const positive = (max: number) => float(Number.MIN_VALUE, max)
const fraction = float(Number.MIN_VALUE, 1)
const line = (max: number, min = 0) =>
  fc.string({
    unit: fc.oneof(
      fc.constantFrom('é', '漢', '\u{1f600}', 'a', ' '),
      fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 1 }),
    ),
    minLength: min,
    maxLength: Math.floor(max / 2),
  })
const name = fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/)
const coordinate = fc.tuple(hex32, name).map(([key, d]) => `36450:${key}:${d}`)
const addresses = (scheme: string, path: string) =>
  fc
    .uniqueArray(int(65_535, 1024), { minLength: 1, maxLength: 16 })
    .map(ports => ports.map(port => `${scheme}://h.example:${port}${path}`))
const https = addresses('https', '/Bitcoin')
const servers = addresses('https', '')
const relays = addresses('wss', '')
const round = int(256, 1)
const steps = int(1_000_000_000, 1)
const epoch = int(1_000_000)
const optional = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined })
const witnesses = fc.uniqueArray(
  fc.record({ secret: fc.string({ minLength: 1, maxLength: 60 }), signature: hex(64) }),
  {
    maxLength: 6,
    selector: w => w.secret,
  },
)
const ascending = (count: number, max: number) =>
  fc.uniqueArray(int(max), { minLength: count, maxLength: count }).map(list => list.sort((a, b) => a - b))

const manifest = fc
  .record({
    key: hex32,
    sha256: hex32,
    full: int(4 * 1024 * 1024, 1),
    hashes: fc.array(hex32, { minLength: 1, maxLength: 4 }),
    servers,
    part: fraction,
  })
  .map(({ key, sha256, full, hashes, servers, part }) => {
    const last = Math.max(1, Math.floor(full * part))
    const chunks = hashes.map((hash, i) => ({
      sha256: hash,
      size: (i < hashes.length - 1 ? full : last) + 16,
    }))
    return {
      v: 1,
      key,
      chunks,
      sha256,
      size: full * (hashes.length - 1) + last,
      type: 'application/x-safetensors',
      servers,
    }
  })

const below1 = float(0, 0.999)
const rate = positive(1000)
const decay = float(0, 100)
const training = {
  task: fc.constantFrom('classification', 'regression'),
  input: fc.record({ dtype: fc.constantFrom('f32', 'u8'), scale: float(-1e6, 1e6), shift: float(-1e6, 1e6) }),
  batch: int(65_536, 1),
  dropout: optional(float(0, 0.9)),
  optimizer: fc.oneof(
    fc.record({ name: fc.constant('sgd'), learningRate: rate, momentum: below1, weightDecay: decay }),
    fc.record({
      name: fc.constant('adamw'),
      learningRate: rate,
      beta1: below1,
      beta2: below1,
      epsilon: fraction,
      weightDecay: decay,
    }),
  ),
}
const perceptron = fc.record({
  recipe: fc.constant('mlp'),
  model: fc.record({
    inputs: int(1000, 1),
    hidden: fc.array(int(500, 1), { maxLength: 4 }),
    outputs: int(100, 2),
  }),
  ...training,
})
const pictures = fc.record({
  recipe: fc.constant('cnn'),
  model: fc.record({
    image: fc.tuple(int(3, 1), int(64, 16), int(64, 16)),
    channels: fc.array(int(64, 1), { minLength: 1, maxLength: 3 }),
    kernel: fc.constantFrom(3, 5, 7),
    hidden: fc.array(int(100, 1), { maxLength: 2 }),
    outputs: int(100, 2),
  }),
  augment: optional(fc.record({ flip: fc.boolean(), crop: int(15, 1) }, { requiredKeys: [] })),
  ...training,
})
const spec = fc.oneof(perceptron, pictures)

export const contents = {
  offer: fc.record({
    device: line(100, 1),
    engines: fc.array(fc.record({ name: line(40, 1), flopsPerSecond: positive(1e18) }), {
      minLength: 1,
      maxLength: 8,
    }),
    memory: size,
    price: fc.record({ perPflop: sats, minimum: sats }),
    maxDownload: size,
    strangers: fc.record({ fraction }),
    mints: https,
    blossoms: servers,
    relays,
  }),
  job: fc.record({
    title: line(100),
    task: fc.constantFrom('classification', 'regression'),
    recipe: fc.constant('mlp'),
    parameters: int(2 ** 40, 1),
    rows: int(1e12, 1),
    shardBytes: size,
    rounds: round,
    providers: int(256, 1),
    pflopPerRound: positive(1e9),
    maxPerRound: sats,
    deadline: time,
    mints: https,
    blossoms: servers,
    relays,
    key: pubkey,
    epoch,
    bidWork: int(32),
    receipts: optional(fc.boolean()),
    status: fc.constantFrom('open', 'running', 'done', 'cancelled'),
  }),
  receipt: fc
    .record({
      job: coordinate,
      award: hex32,
      counterparty: hex32,
      role: fc.constantFrom('customer', 'provider'),
      counts: ascending(3, 256),
      redeemed: sats,
    })
    .map(({ counts: [paid, delivered, asked], ...rest }) => ({ ...rest, asked, delivered, paid })),
  announcement: fc.record({ name: line(100, 1), about: line(500) }),
  bid: fc.record({
    job: coordinate,
    version: hex32,
    offer: fc.record({ id: hex32, d: name }),
    key: pubkey,
    payments: fc.constant(xpub),
    perRound: sats,
    secondsPerRound: seconds,
    mints: https,
    receipts: optional(fc.boolean()),
    validUntil: time,
  }),
  award: fc
    .record({
      job: coordinate,
      version: hex32,
      epoch,
      bid: hex32,
      key: pubkey,
      payments: fc.constant(xpub),
      spec,
      shard: fc.record({ rows: int(1e12, 1), bytes: size }),
      mint: fc.constant('https://mint.example/Bitcoin'),
      rounds: fc.uniqueArray(
        fc.record(
          { round, steps, price: sats, first: int(1_000_000) },
          { requiredKeys: ['round', 'steps', 'price'] },
        ),
        {
          minLength: 1,
          maxLength: 20,
          selector: r => r.round,
        },
      ),
      times: ascending(5, 8_640_000),
      rule: fc.record({ rho: fraction }),
    })
    .map(({ rounds, times: [start, deadline, release, redeem, lock], ...rest }) => ({
      ...rest,
      rounds: rounds.sort((a, b) => a.round - b.round),
      times: { start, deadline, release, redeem, lock },
    })),
  answer: fc.record({ award: hex32, accept: fc.boolean(), code: line(60), reason: line(500) }),
  round: fc
    .record({
      job: coordinate,
      version: hex32,
      award: hex32,
      epoch,
      round,
      weights: manifest,
      shard: optional(manifest),
      steps,
      seed: int(0xffff_ffff),
      price: sats,
      times: ascending(5, 4_102_444_800),
      token: fc.oneof(manifest, fc.stringMatching(/^cashu[AB][A-Za-z0-9_-]{1,900}$/)),
    })
    .map(({ times: [startBy, deadline, releaseBy, redeemBy, locktime], ...rest }) => ({
      ...rest,
      times: { startBy, deadline, releaseBy, redeemBy, locktime },
    })),
  progress: fc
    .record({ award: hex32, round, step: int(1000), left: int(1000, 1), loss: finite, secondsLeft: seconds })
    .map(({ left, ...rest }) => ({ ...rest, steps: rest.step + left })),
  update: fc.record({
    award: hex32,
    round,
    update: manifest,
    losses: fc.array(finite, { maxLength: 100 }),
    checkpoints: fc.array(hex32, { maxLength: 20 }),
    steps,
    parent: optional(hex32),
  }),
  verdict: fc
    .record({
      award: hex32,
      round,
      pay: fc.oneof(
        fc.record({ paid: fc.constantFrom('full', 'part'), sats: int(1_000_000, 1) }),
        fc.constant({ paid: 'none', sats: 0 }),
      ),
      used: fc.boolean(),
      figures: fc.dictionary(fc.stringMatching(/^[A-Za-z][A-Za-z0-9.-]{0,39}$/), finite, { maxKeys: 10 }),
      reason: line(500),
      witnesses,
      parent: optional(hex32),
    })
    .map(({ pay, ...rest }) => ({ ...rest, ...pay })),
  leave: fc.record({
    award: hex32,
    round: optional(round),
    code: fc.constantFrom('pause', 'cancel', 'error', 'done', 'rejected', 'fenced', 'silent'),
    reason: line(500),
    witnesses: optional(witnesses),
    parent: optional(hex32),
  }),
  checkpoint: fc.record({ epoch, round: int(256), weights: manifest, state: manifest }),
} satisfies Record<string, fc.Arbitrary<object>>
