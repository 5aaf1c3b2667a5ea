import { writeFileSync } from 'node:fs'
import { type Bytes, seconds } from '../../../../shared/units.ts'
import { asLine, JOB_LIFE, type Job, KIND, type Leave, wire } from '../../../market/index.ts'
import { sealSession, sign, wrapSigned } from '../../../nostr/index.ts'
import { sessionLife } from '../../tools.ts'
import { scheduleOf } from '../hiring.ts'
import { awardTimes, isTooLate, roundTimes, seedOf } from '../times.ts'
import type { ActContext, Acts } from './context.ts'

/** A token larger than this travels as a blob. */
const longestToken = 8_192

/** What a job says to relays and to its providers. */
export function talk(context: ActContext): Acts<'announce' | 'award' | 'send-round' | 'leave'> {
  const { id, tools, current, plan, j, coordinate, payments, to, send } = context
  const { keyring, relays, wallet, now } = tools
  return {
    async announce({ status }) {
      const probed = status === 'open' ? await probe(context) : { relays: context.replyRelays() }
      if (probed.relays.length === 0)
        return {
          fact: { type: 'announcement-refused', reason: probed.refusal ?? 'No relay took the announcement.' },
        }
      const event = sign(
        wire.job.template(announcement(context, status, probed.relays), {
          at: context.stamp(),
          d: id,
          expiration: seconds(Math.min(plan().deadline + sessionLife, now() + JOB_LIFE)),
        }),
        keyring.identity.secret,
      )
      return {
        fact: { type: 'announced', event: event.id, relays: probed.relays, status },
        commit: () => relays.publish(event, plan().relays),
      }
    },

    async award({ key }) {
      const job = current()
      const { bid, slot } = job.engagements[key]!
      const shard = plan().shards[slot]!
      const content = {
        job: coordinate,
        version: job.version!,
        epoch: job.epoch,
        bid: bid.id,
        key: j.pubkey,
        payments: payments(key).xpub,
        spec: plan().spec,
        shard: { rows: shard.rows, bytes: shard.bytes as Bytes },
        mint: plan().mint,
        rounds: scheduleOf(plan(), bid, job.round),
        times: awardTimes(plan(), bid.bid),
        rule: { rho: plan().rho },
      }
      const inner = sign(
        wire.award.template(content, { to: bid.bid.key, at: now() }),
        keyring.identity.secret,
      )
      const wrap = wrapSigned(inner, keyring.identity, bid.bid.key, {
        at: now(),
        expiration: context.expiration(),
      })
      return { fact: { type: 'awarded', key, award: inner.id }, commit: () => send(wrap) }
    },

    async 'send-round'({ key, round }, signal) {
      const job = current()
      const { engagement, work } = context.part(key, round)
      const times = roundTimes(plan(), engagement.bid.bid, now(), work.locktime)
      // Another machine sent it, and its update is here: that is paid for, though it would be too late to send it now.
      if (work.early) return { fact: { type: 'round-sent', key, round, times } }
      // Locked before: this only reads the token.
      const { token } = await wallet.lock(context.lockRequest(engagement, work))
      if (isTooLate(plan(), engagement.bid.bid, times)) {
        const reason = `Round ${round} could not be sent in time for its lock.`
        return { fact: { type: 'lapsed', key, round, reason } }
      }
      const blob =
        token.length <= longestToken ? undefined : await tokenBlob(context, key, round, token, signal)
      const event = wire.round.seal(
        {
          job: coordinate,
          version: job.version!,
          award: engagement.award!,
          epoch: job.epoch,
          round,
          weights: job.weights[round - 1]!.manifest!,
          ...(engagement.works[0] === work ? { shard: engagement.shard! } : {}),
          steps: work.steps,
          seed: seedOf(plan(), round, key),
          price: work.price,
          times,
          token: blob ?? token,
        },
        to(engagement),
      )
      return {
        fact: { type: 'round-sent', key, round, times, ...(blob ? { token: blob } : {}) },
        commit: () => send(event),
      }
    },

    async leave({ key }) {
      const engagement = current().engagements[key]!
      const { code, reason } = engagement.gone!
      const event = wire.leave.seal(
        { award: engagement.award!, code: leaveCode(code), reason: asLine(reason) },
        to(engagement),
      )
      return { fact: { type: 'told' }, commit: () => send(event) }
    },
  }
}

/** Some relays take only known authors: an event signed by J that lives a minute tells which take ours. */
async function probe({ tools, plan, j }: ActContext): Promise<{ relays: string[]; refusal?: string }> {
  const { relays, now } = tools
  const at = now()
  const event = sealSession({
    kind: KIND.ANSWER,
    content: {},
    from: j,
    to: j.pubkey,
    at,
    expiration: seconds(at + 60),
  })
  const { accepted, refused } = await relays.probe(plan().relays, event, j)
  const needed = plan().relays.every(isLoopback) ? 1 : 2
  if (accepted.length >= needed) return { relays: accepted }
  const why = refused.map(({ url, reason }) => `${url}: ${reason}`).join('; ')
  return {
    relays: [],
    refusal: `${accepted.length} of ${plan().relays.length} relays take messages of a new key, ${needed} are needed${why && ` (${why})`}. Name other relays with --relay.`,
  }
}

const isLoopback = (url: string): boolean => /^wss?:\/\/(127\.|localhost|\[::1\])/.test(url)

function announcement({ plan, j, current }: ActContext, status: Job['status'], relays: string[]): Job {
  const {
    title,
    spec,
    parameters,
    shards,
    rounds,
    pflopPerRound,
    maxPerRound,
    deadline,
    mint,
    blossoms,
    bidWork,
    receipts,
  } = plan()
  return {
    title,
    task: spec.task,
    recipe: spec.recipe,
    parameters,
    rows: Math.max(...shards.map(shard => shard.rows)),
    shardBytes: Math.max(...shards.map(shard => shard.bytes)) as Bytes,
    rounds,
    providers: shards.length,
    pflopPerRound,
    maxPerRound,
    deadline,
    mints: [mint],
    blossoms,
    relays,
    key: j.pubkey,
    epoch: current().epoch,
    bidWork,
    ...(receipts ? { receipts } : {}),
    status,
  }
}

async function tokenBlob(
  context: ActContext,
  key: string,
  round: number,
  token: string,
  signal: AbortSignal,
) {
  const path = context.file('tokens', `${round}-${key}`)
  writeFileSync(path, token)
  return context.upload(path, `token:${context.lockId(key, round)}`, signal, 'text/plain')
}

const codes: readonly Leave['code'][] = ['pause', 'cancel', 'error', 'done', 'rejected', 'fenced', 'silent']
/** The wire's word for why an engagement ended: `declined` was the provider's own word. */
const leaveCode = (code: string): Leave['code'] => codes.find(known => known === code) ?? 'done'
