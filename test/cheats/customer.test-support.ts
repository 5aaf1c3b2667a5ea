import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { getEncodedToken, OutputData, P2PKBuilder, Wallet as Raw } from '@cashu/cashu-ts'
import { type KeyPair, newMnemonic, openKeyring, paymentPubkey } from '../../src/core/identity/index.ts'
import type { Tools } from '../../src/core/jobs/index.ts'
import {
  type Answer,
  type Award,
  type Bid,
  type Job,
  KIND,
  type Leave,
  type Round,
  type Update,
  type Verdict,
  wire,
} from '../../src/core/market/index.ts'
import {
  coordinateOf,
  GIFT_WRAP,
  type NostrEvent,
  sign,
  unwrapSigned,
  WRAP_SLACK,
  wrapSigned,
} from '../../src/core/nostr/index.ts'
import {
  f32,
  flopsPerStep,
  initialWeights,
  parameterCount,
  type RowsSpec,
  writeSafetensors,
} from '../../src/core/training/index.ts'
import { bytes, sats, seconds } from '../../src/shared/units.ts'
import { uniform } from './stage.test-support.ts'

const spec: RowsSpec = {
  recipe: 'mlp',
  model: { inputs: 4, hidden: [8], outputs: 2 },
  task: 'classification',
  input: { dtype: 'f32', scale: 1, shift: 0 },
  batch: 8,
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0, weightDecay: 0 },
}
const steps = 100
const rows = 256
const week = 7 * 24 * 3600

type Lock = Parameters<Tools['wallet']['lock']>[0]

/**
 * A customer whose every word is made by hand, from the wire's own kinds and with real money, so that a test can bend
 * any one of them. Without changes it is an honest one.
 */
export class HandMade {
  readonly tools: Tools
  readonly id: string
  readonly j: KeyPair
  /** Seconds that may pass between a lock's making and its round's sending. */
  slack = 30
  readonly #net: { relay: string; blossom: string; mint: string }
  readonly #events: NostrEvent[] = []
  readonly #waiting: (() => void)[] = []
  readonly #locks = new Map<number, Lock>()
  #version = ''
  #announced = seconds(0)
  #bid: { id: string; provider: string; bid: Bid } | undefined
  #award: { id: string; award: Award } | undefined

  constructor(tools: Tools, net: { relay: string; blossom: string; mint: string }, id: string) {
    this.tools = tools
    this.#net = net
    this.id = id
    this.j = tools.keyring.job(id)
    mkdirSync(tools.folder(id), { recursive: true })
    tools.relays.subscribe({
      name: `hand-made:${id}`,
      urls: [net.relay],
      filter: {
        kinds: [GIFT_WRAP, KIND.ANSWER, KIND.UPDATE, KIND.LEAVE, KIND.PROGRESS],
        '#p': [this.j.pubkey],
      },
      slack: WRAP_SLACK,
      handler: event => {
        this.#events.push(event)
        for (const look of this.#waiting.splice(0)) look()
      },
    })
  }

  get coordinate(): string {
    return `${KIND.JOB}:${this.tools.keyring.identity.pubkey}:${this.id}`
  }
  get provider(): string {
    return this.#bid!.bid.key
  }

  announce(change: Partial<Job> = {}): this {
    const { keyring, now } = this.tools
    const { relay, blossom, mint } = this.#net
    const job: Job = {
      title: 'Hand-made',
      task: spec.task,
      recipe: 'mlp',
      parameters: parameterCount(spec),
      rows,
      shardBytes: bytes(rows * 5 * 4 + 1000),
      rounds: 3,
      providers: 1,
      pflopPerRound: (steps * flopsPerStep(spec)) / 1e15,
      maxPerRound: sats(100),
      deadline: seconds(now() + 3600),
      mints: [mint],
      blossoms: [blossom],
      relays: [relay],
      key: this.j.pubkey,
      epoch: 1,
      bidWork: 0,
      status: 'open',
      ...change,
    }
    // Of two versions of one second a relay keeps any.
    this.#announced = seconds(Math.max(now(), this.#announced + 1))
    const template = wire.job.template(job, {
      at: this.#announced,
      d: this.id,
      expiration: seconds(now() + week),
    })
    const event = sign(template, keyring.identity.secret)
    if (coordinateOf(event) !== this.coordinate) throw new Error('the job has another name')
    if (job.status === 'open') this.#version = event.id
    this.tools.relays.publish(event, [relay])
    return this
  }

  /** Takes the first bid and gives it the award. */
  async hire(change: Partial<Award> | ((honest: Award) => Partial<Award>) = {}): Promise<this> {
    const { keyring, relays, now } = this.tools
    const wrap = await this.#first(GIFT_WRAP)
    const inner = unwrapSigned(wrap, this.j.secret)
    const bid = wire.bid.parse(inner, { to: this.j.pubkey })
    this.#bid = { id: inner.id, provider: inner.pubkey, bid }
    const honest: Award = {
      job: this.coordinate,
      version: this.#version,
      epoch: 1,
      bid: inner.id,
      key: this.j.pubkey,
      payments: keyring.payments(this.id).xpub,
      spec,
      shard: { rows, bytes: bytes(rows * 5 * 4 + 500) },
      mint: this.#net.mint,
      rounds: [1, 2, 3].map(round => ({ round, ...termsOf(round, bid) })),
      times: {
        start: seconds(20),
        deadline: seconds(40),
        release: seconds(45),
        redeem: seconds(50),
        lock: seconds(60),
      },
      rule: { rho: 0.5 },
    }
    const award = { ...honest, ...(typeof change === 'function' ? change(honest) : change) }
    const identity = keyring.identity
    const event = sign(wire.award.template(award, { to: bid.key, at: now() }), identity.secret)
    this.#award = { id: event.id, award }
    relays.publish(wrapSigned(event, identity, bid.key, { at: now(), expiration: seconds(now() + week) }), [
      this.#net.relay,
    ])
    return this
  }

  /** The payment keys and terms of a round's lock, the same ones whenever it is asked. */
  lockRequest(round: number): Lock {
    const known = this.#locks.get(round)
    if (known) return known
    const keys = this.tools.keyring.payments(this.id)
    const { price } = termsOf(round, this.#bid!.bid)
    const request = {
      id: `${this.id}:${round}`,
      mint: this.#net.mint,
      amount: price,
      provider: paymentPubkey(this.#bid!.bid.payments, 0, round),
      customer: keys.key(0, round).pubkey,
      refund: keys.key(1, round).pubkey,
      locktime: this.tools.now() + this.#award!.award.times.lock + this.slack,
      job: this.id,
      cap: sats(10_000),
    }
    this.#locks.set(round, request)
    return request
  }

  /** Makes a lock and sends the round with it. @param token  what is sent in the lock's place */
  async sendRound(
    round: number,
    change: Partial<Round> = {},
    lock: Partial<Lock> = {},
    token?: (honest: string, request: Lock) => string | Promise<string>,
  ): Promise<this> {
    const { wallet, relays, now } = this.tools
    // What takes long goes first: a lock's time is counted from when it is made.
    const files = { weights: await this.#weights(), shard: await this.shard() }
    const agreed = this.lockRequest(round)
    const made = (await wallet.lock({ ...agreed, ...lock })).token
    const { start, deadline, release, redeem } = this.#award!.award.times
    const at = now()
    const content: Round = {
      job: this.coordinate,
      version: this.#version,
      award: this.#award!.id,
      epoch: 1,
      round,
      ...files,
      seed: round,
      ...termsOf(round, this.#bid!.bid),
      times: {
        startBy: seconds(at + start),
        deadline: seconds(at + deadline),
        releaseBy: seconds(at + release),
        redeemBy: seconds(at + redeem),
        locktime: seconds(agreed.locktime),
      },
      token: token ? await token(made, agreed) : made,
      ...change,
    }
    relays.publish(wire.round.seal(content, this.#to()), [this.#net.relay])
    return this
  }

  /** @param release  sats of the lock to sign away; 0 for none */
  verdict(round: number, said: Pick<Verdict, 'paid' | 'sats'>, release: number): this {
    const { wallet, keyring, relays } = this.tools
    const secret = keyring.payments(this.id).key(0, round).secret
    const { witnesses } =
      release === 0
        ? { witnesses: [] }
        : wallet.release({ id: `${this.id}:${round}`, amount: sats(release), secret })
    const verdict: Verdict = {
      award: this.#award!.id,
      round,
      used: true,
      figures: {},
      reason: 'Thank you.',
      witnesses,
      ...said,
    }
    relays.publish(wire.verdict.seal(verdict, this.#to()), [this.#net.relay])
    return this
  }

  answer = async (): Promise<Answer> =>
    wire.answer.open(await this.#first(KIND.ANSWER), { me: this.j, from: this.provider })
  update = async (n = 0): Promise<Update> =>
    wire.update.open(await this.#first(KIND.UPDATE, n), { me: this.j, from: this.provider })
  left = async (): Promise<Leave> =>
    wire.leave.open(await this.#first(KIND.LEAVE), { me: this.j, from: this.provider })
  heard = (kind: number): number => this.#events.filter(event => event.kind === kind).length

  async #first(kind: number, skip = 0): Promise<NostrEvent> {
    for (;;) {
      const found = this.#events.filter(event => event.kind === kind)[skip]
      if (found) return found
      await new Promise<void>(look => this.#waiting.push(look))
    }
  }

  #to = () => {
    const at = this.tools.now()
    return { from: this.j, to: this.provider, at, expiration: seconds(at + week) }
  }

  async #weights() {
    const path = join(this.tools.folder(this.id), 'weights.safetensors')
    await writeSafetensors(path, initialWeights(spec, 1))
    return this.upload(path, 'weights')
  }

  /** Its rows: two clouds that a straight line parts. */
  async shard(count = rows) {
    const random = uniform(3)
    const y = Int32Array.from({ length: count }, (_, i) => i % 2)
    const x = Float32Array.from(
      { length: count * 4 },
      (_, i) => random() - 0.5 + (y[Math.floor(i / 4)] === 1 ? 0.5 : -0.5),
    )
    const path = join(this.tools.folder(this.id), `shard-${count}.safetensors`)
    await writeSafetensors(
      path,
      new Map([
        ['x', f32([count, 4], x)],
        ['y', { dtype: 'I32' as const, shape: [count], data: y }],
      ]),
    )
    return this.upload(path, `shard-${count}`)
  }

  upload = (path: string, purpose: string) =>
    this.tools.blobs.upload(path, {
      servers: [this.#net.blossom],
      signer: this.j,
      type: 'application/octet-stream',
      purpose: `${this.id}:${purpose}`,
    })
}

const termsOf = (round: number, bid: Bid) => ({
  steps: round === 1 ? steps / 4 : steps,
  price: sats(round === 1 ? bid.perRound / 4 : bid.perRound),
})

/** A token of conditions that no honest wallet makes. Its proof is unsigned: conditions are looked at first. */
export async function forgedToken(
  { mint, provider, customer, refund, locktime }: Lock,
  change: (builder: P2PKBuilder) => P2PKBuilder = b => b,
): Promise<string> {
  const raw = new Raw(mint)
  await raw.loadMint()
  const builder = new P2PKBuilder()
    .addLockPubkey([provider, customer])
    .requireLockSignatures(2)
    .addRefundPubkey(refund)
    .lockUntil(locktime)
  const data = OutputData.createSingleP2PKData(change(builder).toOptions(), 16, raw.keysetId)
  const secret = new TextDecoder().decode(data.secret)
  const { amount, B_ } = data.blindedMessage
  return getEncodedToken({ mint, unit: 'sat', proofs: [{ id: raw.keysetId, amount, secret, C: B_ }] })
}

/** Anybody's key but the provider's. */
export const strangersKey = (): string => openKeyring(newMnemonic()).payments('stranger').key(0, 1).pubkey
