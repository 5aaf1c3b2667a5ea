import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import { type Bytes, bytes, type Seconds, sats, seconds } from '../../../shared/units.ts'
import { paymentPubkey } from '../../identity/index.ts'
import { asLine, wire } from '../../market/index.ts'
import { mine, type NostrEvent, sign, wrapSigned } from '../../nostr/index.ts'
import { type EngineName, microBatchFor, parameterCount, type Room } from '../../training/index.ts'
import type { Outcome, Perform } from '../runner.ts'
import { sessionLife, type Tools } from '../tools.ts'
import type { ProviderEffect, ProviderFact } from './log.ts'
import { type Engagement, isDelivered, isWhole, type Share } from './state.ts'

type Act<T extends ProviderEffect['type']> = (
  effect: Extract<ProviderEffect, { type: T }>,
  signal: AbortSignal,
) => Promise<Outcome<ProviderFact>>

/** How a provider works, beside the tools that both sides share. */
export interface Manner {
  gentle: boolean
  /** What trains. */
  engine: EngineName
  threads?: number
  /** Of the process that trains, at most; offered in public. */
  memory: Bytes
  /** Of the graphics card that trains; null or left out where there is none, or the system does not tell. */
  card?: Bytes | null
  /** Shown while it works. */
  onProgress?: (
    id: string,
    progress: { round: number; step: number; steps: number; loss: number; secondsLeft: number },
  ) => void
}

export const roomOf = ({ memory, card = null }: Manner): Room => ({ process: memory, card })

/** Heartbeats are sent at most this often. */
const heartbeatMs = 2_000
const checkpointSteps = 500
/** Bytes a model's parameter takes in the global weights (f32), and what a safetensors header may add. */
const weightBytes = (parameters: number): Bytes => bytes(Math.ceil(parameters * 4 * 1.05) + 65_536)
/** A little more than the award says of the shard: rounding, nothing more. */
const shardBytes = (awarded: Bytes): Bytes => bytes(Math.ceil(awarded * 1.02) + 4_096)

/** Errors of a blob, a lock or the data that no waiting mends. Everything else is tried again until the round's deadline. */
const hopeless =
  /^(blobs\/(too-large|bad-manifest)|payments\/(lock-|mint-unsuitable)|training\/(weights|data|safetensors|memory))/

/** Carries out what an engagement asks for: the thin edge between the fold and the world. */
export function providerActs(
  id: string,
  tools: Tools,
  manner: Manner,
  current: () => Engagement,
): Perform<ProviderFact, ProviderEffect> {
  const { keyring, relays, blobs, wallet, compute, acquaintances, now } = tools
  const p = keyring.engagement(id)
  const keys = keyring.payments(id)
  const candidate = () => current().candidate!
  const award = () => current().award!
  const share = (round: number): Share => current().shares.find(s => s.round.round === round)!
  const lockId = (round: number): string => `${id}:${round}`
  const file = (...names: string[]): string => {
    const path = join(tools.folder(id), ...names)
    mkdirSync(dirname(path), { recursive: true })
    return path
  }
  const expiration = (): Seconds =>
    seconds(Math.max(now(), ...current().shares.map(s => s.round.times.locktime)) + sessionLife)
  const toCustomer = () => ({ from: p, to: candidate().job.key, at: now(), expiration: expiration() })
  /** Over P's connection: gift wraps too, for whoever reads them knows P. */
  const send = (event: NostrEvent): void => relays.publish(event, candidate().relays, p)
  /** Refuses the round for good, or throws so that it is tried again while there is time. */
  const refuse = (round: number, error: unknown): Outcome<ProviderFact> => {
    const late = now() >= share(round).round.times.deadline
    if (!(error instanceof UserError) || !(hopeless.test(error.code) || late)) throw error
    return { fact: { type: 'refused', round, code: error.code, reason: asLine(error.message) } }
  }
  /** A round before the one that begins is settled; the files of all of them would fill the disk. */
  const forget = async (settled: Share | undefined): Promise<void> => {
    for (const kind of settled ? ['weights', 'updates'] : [])
      await rm(file(kind, `${settled?.round.round}.safetensors`), { force: true })
  }
  const download = (
    manifest: Share['round']['weights'],
    path: string,
    maxBytes: Bytes,
    signal: AbortSignal,
  ) => blobs.download(manifest, path, { servers: candidate().blossoms, maxBytes, signal })

  const acts: { [T in ProviderEffect['type']]: Act<T> } = {
    async bid(_, signal) {
      const { bid, job } = candidate()
      const template = wire.bid.template(bid, { to: job.key, at: now() })
      const mined =
        job.bidWork > 0 ? await mine(template, keyring.identity.pubkey, job.bidWork, { signal }) : template
      const inner = sign(mined, keyring.identity.secret)
      const wrap = wrapSigned(inner, keyring.identity, job.key, {
        at: now(),
        expiration: seconds(bid.validUntil),
      })
      return { fact: { type: 'bid-sent', bid: inner.id }, commit: () => send(wrap) }
    },

    async answer({ accept, code, reason }) {
      const event = wire.answer.seal(
        { award: award().id, accept, code, reason: asLine(reason) },
        toCustomer(),
      )
      return { fact: { type: 'answered' }, commit: () => send(event) }
    },

    async 'check-lock'({ round }, signal) {
      const { round: content } = share(round)
      const { payments, mint } = award().content
      try {
        await wallet.receiveLock({
          id: lockId(round),
          token: await tokenOf(content.token, file('tokens', String(round)), signal),
          mints: candidate().bid.mints,
          expect: {
            mint,
            amount: sats(content.price),
            provider: keys.key(0, round).pubkey,
            customer: paymentPubkey(payments, 0, round),
            refund: paymentPubkey(payments, 1, round),
            locktime: content.times.locktime,
          },
        })
        return { fact: { type: 'lock-accepted', round } }
      } catch (error) {
        return refuse(round, error)
      }
    },

    async fetch({ round }, signal) {
      const { weights, shard } = share(round).round
      const path = current().shard?.path ?? file('shard.safetensors')
      await forget(current().shares.findLast(before => before.round.round < round))
      try {
        if (shard) await download(shard, path, shardBytes(award().content.shard.bytes), signal)
        await download(
          weights,
          file('weights', `${round}.safetensors`),
          weightBytes(parameterCount(award().content.spec)),
          signal,
        )
        return { fact: { type: 'fetched', round, shard: path } }
      } catch (error) {
        return refuse(round, error)
      }
    },

    async train({ round }, signal) {
      const { steps, seed } = share(round).round
      const update = file('updates', `${round}.safetensors`)
      let heard = 0
      const progress = (step: number, loss: number | null, secondsLeft: number | null): void => {
        manner.onProgress?.(id, { round, step, steps, loss: loss ?? 0, secondsLeft: secondsLeft ?? 0 })
        if (Date.now() - heard < heartbeatMs) return
        heard = Date.now()
        const content = {
          award: award().id,
          round,
          step,
          steps,
          loss: loss ?? 0,
          secondsLeft: seconds(Math.max(1, Math.ceil(secondsLeft ?? 1))),
        }
        send(wire.progress.seal(content, { ...toCustomer(), expiration: seconds(now() + 120) }))
      }
      progress(0, null, null)
      const { spec, shard, rounds } = award().content
      const first = rounds.find(r => r.round === round)?.first ?? 0
      const microBatch = microBatchFor(spec, shard.rows, roomOf(manner), manner.engine)
      const request = {
        spec,
        weights: file('weights', `${round}.safetensors`),
        data: current().shard!.path,
        steps,
        seed,
        first,
        update,
        checkpoints: { folder: file('checkpoints', String(round)), every: checkpointSteps },
        gentle: manner.gentle,
        engine: manner.engine,
        ...(manner.threads === undefined ? {} : { threads: manner.threads }),
        ...(microBatch === undefined ? {} : { microBatch }),
      }
      try {
        const { losses, checkpoints, diverged, ...done } = await compute.run('train', request, {
          signal,
          onProgress: ({ step, loss, secondsLeft }) => progress(step, loss, secondsLeft),
        })
        // What diverges does so after any number of steps: all that were asked are done.
        const all = diverged === null ? done.steps : steps
        return { fact: { type: 'trained', round, steps: all, losses, checkpoints, path: update } }
      } catch (error) {
        return refuse(round, error)
      }
    },

    async upload({ round }, signal) {
      const { path } = share(round).result!
      try {
        const options = {
          servers: candidate().blossoms,
          signer: p,
          type: 'application/octet-stream',
          purpose: `update:${id}:${round}`,
        }
        return {
          fact: { type: 'uploaded', round, manifest: await blobs.upload(path, { ...options, signal }) },
        }
      } catch (error) {
        return refuse(round, error)
      }
    },

    async 'send-update'({ round }) {
      const { result, manifest, event: parent } = share(round)
      const { steps, losses, checkpoints } = result!
      const content = {
        award: award().id,
        round,
        update: manifest!,
        losses,
        checkpoints: checkpoints.slice(-64),
        steps,
        parent,
      }
      const event = wire.update.seal(content, toCustomer())
      return { fact: { type: 'update-sent', round }, commit: () => send(event) }
    },

    async redeem({ round }) {
      const { witnesses } = share(round).verdict!
      try {
        const { redeemed, fee } = await wallet.redeem({
          id: lockId(round),
          witnesses,
          secret: keys.key(0, round).secret,
        })
        return {
          fact: { type: 'redeemed', round, sats: redeemed, fee },
          commit: () => {
            const { customer } = candidate()
            if (isWhole({ ...share(round), redeemed, fee })) acquaintances.paid(customer, 'customer')
            else if (share(round).verdict!.paid === 'part') acquaintances.rejected(customer, 'customer')
            else acquaintances.unpaid(customer, 'customer')
          },
        }
      } catch (error) {
        if (!(error instanceof UserError) || !hopeless.test(error.code)) throw error
        return {
          fact: { type: 'redeem-refused', round, reason: error.message },
          commit: () => acquaintances.unpaid(candidate().customer, 'customer'),
        }
      }
    },

    async leave({ code, reason }) {
      const event = wire.leave.seal({ award: award().id, code, reason: asLine(reason) }, toCustomer())
      return { fact: { type: 'left' }, commit: () => send(event) }
    },

    async 'give-back'({ round, code, reason }) {
      // Without a lock that was taken there is nothing to sign: the customer waits for T.
      const held = wallet.lockState(lockId(round)) !== undefined
      const witnesses = held ? wallet.giveBack({ id: lockId(round), secret: keys.key(0, round).secret }) : []
      const content = {
        award: award().id,
        round,
        code,
        reason: asLine(reason),
        ...(held ? { witnesses } : {}),
      }
      const event = wire.leave.seal(content, toCustomer())
      return { fact: { type: 'left' }, commit: () => send(event) }
    },

    async receipt() {
      const { shares } = current()
      const delivered = shares.filter(isDelivered)
      const paid = delivered.filter(({ redeemed = 0 }) => redeemed > 0)
      const content = {
        job: candidate().coordinate,
        award: award().id,
        counterparty: candidate().customer,
        role: 'provider' as const,
        asked: shares.length,
        delivered: delivered.length,
        paid: paid.length,
        redeemed: sats(paid.reduce((sum, { redeemed = 0 }) => sum + redeemed, 0)),
      }
      const event = sign(wire.receipt.template(content, { at: now() }), keyring.identity.secret)
      return { commit: () => relays.publish(event, candidate().relays) }
    },

    async 'clean-up'() {
      // A stranger's rows do not outlive the work on them.
      rmSync(tools.folder(id), { recursive: true, force: true })
      return {
        fact: { type: 'cleaned' },
        commit: () => {
          for (const { owed } of current().shares)
            if (owed) acquaintances.unpaid(candidate().customer, 'customer')
        },
      }
    },
  }

  async function tokenOf(token: Share['round']['token'], path: string, signal: AbortSignal): Promise<string> {
    if (typeof token === 'string') return token
    await download(token, path, 1_000_000 as Bytes, signal)
    return readFileSync(path, 'utf8')
  }

  // The effect's type picks the act of that type: TypeScript cannot see that the two go together.
  return (effect, { signal }) => (acts[effect.type] as Act<ProviderEffect['type']>)(effect, signal)
}
