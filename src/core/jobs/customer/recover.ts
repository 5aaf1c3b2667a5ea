import { readFileSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { UserError } from '../../../shared/errors.ts'
import { type Bytes, type Seconds, seconds } from '../../../shared/units.ts'
import type { KeyPair } from '../../identity/index.ts'
import { type Checkpoint, JOB_LIFE, type Job, KIND, wire } from '../../market/index.ts'
import {
  type NostrEvent,
  replaces,
  type Silence,
  type SilentRelay,
  sign,
  tagOf,
  unreachable,
} from '../../nostr/index.ts'
import { heed } from '../heed.ts'
import { type Entry, replay } from '../machine.ts'
import { sessionLife, type Tools } from '../tools.ts'
import { customerMachine } from './advance.ts'
import type { CustomerEffect, CustomerFact } from './log.ts'
import type { Snapshot } from './snapshot.ts'
import { allWorks, type CustomerJob, type Plan } from './state.ts'

/** A job of this identity that is still under way somewhere, as the relays know it. */
export interface LostJob {
  id: string
  job: Job
  /** When its newest version was announced. */
  at: Seconds
}

/** A log of ten thousand entries and a wallet's open locks fit well below. */
const largestState = 64 * 1024 * 1024
const weightsBytes = (parameters: number): Bytes => (parameters * 4 * 1.05 + 65_536) as Bytes

interface Found<T> {
  /** By the tag `d`. */
  events: Map<string, { event: NostrEvent; content: T }>
  silence: Silence
}

/** The newest events of a filter at these relays, once each gave all it has or cannot be reached for now. */
async function newest<T>(
  tools: Tools,
  urls: string[],
  filter: { kinds: number[]; authors: string[]; '#d'?: string[] },
  read: (event: NostrEvent) => T,
  as?: KeyPair,
): Promise<Found<T>> {
  const found = new Map<string, { event: NostrEvent; content: T }>()
  const subscription = tools.relays.subscribe({
    name: `recover:${filter.kinds[0]}`,
    fresh: true,
    ...(as === undefined ? {} : { as }),
    urls,
    filter,
    handler: received =>
      heed(tools, received, event => {
        const d = tagOf(event, 'd') ?? ''
        const known = found.get(d)
        if (!known || replaces(event, known.event)) found.set(d, { event, content: read(event) })
      }),
  })
  try {
    await subscription.synced
    return { events: found, silence: subscription.silence() }
  } finally {
    subscription.close()
  }
}

/**
 * This identity's jobs that have not ended, from the relays alone.
 * @param onSilent  told of relays that did not answer, where others did
 * @throws UserError `nostr/unreachable` when no relay answered
 */
export async function findJobs(
  tools: Tools,
  urls: string[],
  onSilent: (relays: SilentRelay[]) => void = () => {},
): Promise<LostJob[]> {
  const filter = { kinds: [KIND.JOB], authors: [tools.keyring.identity.pubkey] }
  const { events, silence } = await newest(tools, urls, filter, event => wire.job.parse(event))
  if (silence.total && events.size === 0) throw unreachable(silence.relays)
  if (silence.relays.length > 0) onSilent(silence.relays)
  return [...events]
    .map(([id, { event, content }]) => ({ id, job: content, at: seconds(event.created_at) }))
    .filter(({ job }) => job.status === 'open' || job.status === 'running')
}

/**
 * Brings a job to this machine from its last checkpoint: log, weights, open locks, and the dataset encoded anew with
 * the job's own seed. From then on this machine coordinates, under the next epoch; the old one stops when it sees it.
 * When it fails, nothing of the job is left on this machine.
 * @throws UserError `job/no-checkpoint`, `job/other-dataset`, `nostr/unreachable`
 */
export async function recoverJob(lost: LostJob, files: Files, tools: Tools): Promise<void> {
  try {
    await bringHere(lost, files, tools)
  } catch (error) {
    // Unless this home has the job already: then the files are what it goes on with.
    if (tools.journal.log(lost.id).length === 0)
      rmSync(tools.folder(lost.id), { recursive: true, force: true })
    throw error
  }
}

interface Files {
  dataset: string
  /** The model's folder. */
  out: string
}

async function bringHere(lost: LostJob, { dataset, out }: Files, tools: Tools): Promise<void> {
  const { id, job } = lost
  const at = (path: string): string => resolve(tools.folder(id), path)
  const servers = job.blossoms
  // What can go wrong goes wrong before the old machine is stopped.
  const found = await lastCheckpoint(id, job, tools)
  const before = replay(customerMachine, (await snapshotOf(found, servers, tools, at)).log)
  await restoreData(dataset, before.plan!, tools, at)
  const epoch = Math.max(job.epoch, found.epoch, before.epoch) + 1
  const fenced = await fence(lost, epoch, tools)

  // What the old machine saved until it heard that.
  const checkpoint = await lastCheckpoint(id, job, tools)
  const { log, wallet } = await snapshotOf(checkpoint, servers, tools, at)
  const state = replay(customerMachine, log)
  const plan = state.plan!
  await tools.blobs.download(checkpoint.weights, at(state.weights.at(-1)!.path), {
    servers,
    maxBytes: weightsBytes(plan.parameters),
  })
  for (const { work } of allWorks(state))
    if (work.path !== undefined && work.update && work.round === state.round)
      await tools.blobs.download(work.update.manifest, at(work.path), {
        servers,
        maxBytes: plan.updateBytes as Bytes,
      })
  await tools.wallet.restore({ mints: [plan.mint], backup: wallet })
  const stamp = seconds(Math.max(fenced, checkpoint.at))
  takeOver(id, log, { type: 'restored', epoch, out, stamp }, tools)
}

async function snapshotOf(
  { state }: Checkpoint,
  servers: string[],
  tools: Tools,
  at: (path: string) => string,
): Promise<Snapshot> {
  const path = at('checkpoint.json')
  await tools.blobs.download(state, path, { servers, maxBytes: largestState as Bytes })
  // Written by this identity's own job key, encrypted to itself: nobody else can have made it.
  return JSON.parse(readFileSync(path, 'utf8')) as Snapshot
}

/** How long an old machine that is at work has to hear that it is not in charge any more, in milliseconds. */
const hearing = 2_000

/**
 * Announces the next epoch. It comes before the last look for a checkpoint: of two machines at work, the old one must
 * not go on beyond what the new one knows.
 * @returns the announcement's date
 */
async function fence({ id, job, at }: LostJob, epoch: number, tools: Tools): Promise<Seconds> {
  const { relays, keyring, now } = tools
  const stamp = seconds(Math.max(now(), at + 1))
  const terms = {
    at: stamp,
    d: id,
    expiration: seconds(Math.min(job.deadline + sessionLife, now() + JOB_LIFE)),
  }
  const event = sign(wire.job.template({ ...job, epoch, status: 'running' }, terms), keyring.identity.secret)
  relays.publish(event, job.relays)
  await relays.delivered(event.id)
  await delay(hearing)
  return stamp
}

/** Whether another machine has taken this job over, as far as the relays can be reached. */
export async function isSuperseded(id: string, { epoch, plan }: CustomerJob, tools: Tools): Promise<boolean> {
  if (!plan) return false
  const filter = { kinds: [KIND.JOB], authors: [tools.keyring.identity.pubkey], '#d': [id] }
  const { events } = await newest(tools, plan.relays, filter, event => wire.job.parse(event))
  return (events.get(id)?.content.epoch ?? 0) > epoch
}

async function lastCheckpoint(id: string, job: Job, tools: Tools): Promise<Checkpoint & { at: Seconds }> {
  const j = tools.keyring.job(id)
  const filter = { kinds: [KIND.CHECKPOINT], authors: [j.pubkey], '#d': [id] }
  const read = (event: NostrEvent) => wire.checkpoint.open(event, { me: j, from: j.pubkey })
  const { events, silence } = await newest(tools, job.relays, filter, read, j)
  const last = events.get(id)
  if (last) return { ...last.content, at: seconds(last.event.created_at) }
  if (silence.total) throw unreachable(silence.relays)
  throw new UserError('job/no-checkpoint', {
    message: `No checkpoint of job ${id} was found on ${job.relays.join(', ')}.`,
    fix: 'Name the relays the job was announced on with --relay. Its locks come back to the old machine’s wallet, or after their locktime.',
  })
}

/** The same file, options and seed give the same shards, byte for byte: their hashes are in the plan. */
async function restoreData(
  dataset: string,
  plan: Plan,
  { compute }: Tools,
  at: (path: string) => string,
): Promise<void> {
  const { shards, seed, preparation } = plan
  const prepared = await compute.run('prepare', {
    path: dataset,
    ...preparation,
    out: at('data'),
    shards: shards.length,
    seed,
  })
  if (prepared.shards.every((shard, i) => shard.sha256 === shards[i]?.sha256)) return
  throw new UserError('job/other-dataset', {
    message: 'This dataset does not give the shards that the job was announced with.',
    where: dataset,
    fix: 'Use the very file that the job was started with, unchanged.',
  })
}

/** The log, and what it asked for and has no outcome of; then the new epoch. */
function takeOver(
  id: string,
  log: Entry<CustomerFact>[],
  fact: Extract<CustomerFact, { type: 'restored' }>,
  tools: Tools,
): void {
  const { journal, now } = tools
  const outcomes = new Set(log.map(entry => entry.id))
  journal.transaction(() => {
    journal.create(id, 'customer', now())
    let state = customerMachine.initial
    const restored: Entry<CustomerFact> = { id: `restored:${fact.epoch}`, at: now(), fact }
    for (const entry of [...log, restored]) {
      if (!journal.append(id, entry, customerMachine.version)) continue
      const [next, effects] = customerMachine.advance(state, entry)
      state = next
      for (const effect of effects) askAgain(effect)
    }
  })
  function askAgain(effect: CustomerEffect): void {
    journal.ask(id, effect)
    if (outcomes.has(`done:${effect.id}`)) journal.finish(id, effect.id, now())
  }
}
