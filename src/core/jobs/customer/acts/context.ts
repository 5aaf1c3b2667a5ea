import { mkdirSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { type Seconds, seconds } from '../../../../shared/units.ts'
import type { Manifest } from '../../../blobs/index.ts'
import { paymentPubkey } from '../../../identity/index.ts'
import { KIND } from '../../../market/index.ts'
import type { NostrEvent } from '../../../nostr/index.ts'
import type { Outcome } from '../../runner.ts'
import { sessionLife, type Tools } from '../../tools.ts'
import type { CustomerEffect, CustomerFact } from '../log.ts'
import type { CustomerJob, Engagement, Plan, Work } from '../state.ts'

/** Carries out one type of effect. */
export type Act<T extends CustomerEffect['type']> = (
  effect: Extract<CustomerEffect, { type: T }>,
  signal: AbortSignal,
) => Promise<Outcome<CustomerFact>>

export type Acts<T extends CustomerEffect['type']> = { [K in T]: Act<K> }

/** One job's names, keys and places: what all acts share. */
export function actContext(id: string, tools: Tools, current: () => CustomerJob) {
  const { keyring, relays, blobs, now } = tools
  const j = keyring.job(id)
  const plan = (): Plan => current().plan!
  const payments = (key: string) => keyring.payments(`${id}:${key}`)
  /** Whoever was away can still read how it ended. */
  let stamped = 0
  const expiration = () => seconds(now() + plan().times.round + plan().times.lock + sessionLife)
  return {
    id,
    tools,
    current,
    plan,
    j,
    coordinate: `${KIND.JOB}:${keyring.identity.pubkey}:${id}`,
    payments,
    expiration,
    /** For an event that replaces others: later than all of them, though a second has room for one only. */
    stamp(): Seconds {
      stamped = Math.max(now(), current().stamp + 1, stamped + 1)
      return seconds(stamped)
    },
    replyRelays: (): string[] => (current().relays.length > 0 ? current().relays : plan().relays),
    /** Over J's connection: gift wraps too, for whoever reads them knows J. */
    send(event: NostrEvent): void {
      relays.publish(event, current().relays.length > 0 ? current().relays : plan().relays, j)
    },
    part(key: string, round: number): { engagement: Engagement; work: Work } {
      const engagement = current().engagements[key]!
      return { engagement, work: engagement.works.find(work => work.round === round)! }
    },
    /** A path of the log, on this machine: the log holds paths relative to the job's folder. */
    at: (path: string): string => resolve(tools.folder(id), path),
    /** The same for a file that is about to be written. */
    file(...names: string[]): string {
      const path = resolve(tools.folder(id), ...names)
      mkdirSync(dirname(path), { recursive: true })
      return path
    },
    to: (engagement: Engagement) => ({
      from: j,
      to: engagement.bid.bid.key,
      at: now(),
      expiration: expiration(),
    }),
    lockId: (key: string, round: number): string => `${id}:${key}:${round}`,
    /** NUT-11: 2 of {provider, customer} before T, the customer's refund key alone after it. */
    lockRequest(engagement: Engagement, work: Work) {
      const keys = payments(engagement.key)
      return {
        id: `${id}:${engagement.key}:${work.round}`,
        mint: plan().mint,
        amount: work.price,
        provider: paymentPubkey(engagement.bid.bid.payments, 0, work.round),
        customer: keys.key(0, work.round).pubkey,
        refund: keys.key(1, work.round).pubkey,
        locktime: work.locktime,
        job: id,
        cap: plan().cap,
      }
    },
    /** `purpose` names the blob for good: the same file for another purpose gets another key. */
    upload: (
      path: string,
      purpose: string,
      signal: AbortSignal,
      type = 'application/octet-stream',
    ): Promise<Manifest> =>
      blobs.upload(path, { servers: plan().blossoms, signer: j, type, purpose, signal }),
  }
}
export type ActContext = ReturnType<typeof actContext>
