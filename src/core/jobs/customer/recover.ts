import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import type { Bytes } from '../../../shared/units.ts'
import { type Checkpoint, type Job, KIND, wire } from '../../market/index.ts'
import { type NostrEvent, replaces, tagOf } from '../../nostr/index.ts'
import { heed } from '../heed.ts'
import { type Entry, replay } from '../machine.ts'
import type { Tools } from '../tools.ts'
import { customerMachine } from './advance.ts'
import type { CustomerEffect, CustomerFact } from './log.ts'
import type { Snapshot } from './snapshot.ts'
import { allWorks, type Plan } from './state.ts'

/** A job of this identity that is still under way somewhere, as the relays know it. */
export interface LostJob {
  id: string
  job: Job
}

/** A log of ten thousand entries and a wallet's open locks fit well below. */
const largestState = 64 * 1024 * 1024
const weightsBytes = (parameters: number): Bytes => (parameters * 4 * 1.05 + 65_536) as Bytes

/** The newest event of a filter at these relays, once each gave all it has. */
async function newest<T>(
  tools: Tools,
  urls: string[],
  filter: { kinds: number[]; authors: string[]; '#d'?: string[] },
  read: (event: NostrEvent) => T,
): Promise<Map<string, { event: NostrEvent; content: T }>> {
  const found = new Map<string, { event: NostrEvent; content: T }>()
  const subscription = tools.relays.subscribe({
    name: `recover:${filter.kinds[0]}`,
    fresh: true,
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
    return found
  } finally {
    subscription.close()
  }
}

/** This identity's jobs that have not ended, from the relays alone. */
export async function findJobs(tools: Tools, urls: string[]): Promise<LostJob[]> {
  const filter = { kinds: [KIND.JOB], authors: [tools.keyring.identity.pubkey] }
  const events = await newest(tools, urls, filter, event => wire.job.parse(event))
  return [...events]
    .map(([id, { content }]) => ({ id, job: content }))
    .filter(({ job }) => job.status === 'open' || job.status === 'running')
}

/**
 * Brings a job to this machine from its last checkpoint: log, weights, open locks, and the dataset encoded anew with
 * the job's own seed. From then on this machine coordinates, under the next epoch; the old one stops when it sees it.
 * @throws UserError `job/no-checkpoint`, `job/other-dataset`
 */
export async function recoverJob(
  { id, job }: LostJob,
  { dataset, out }: { dataset: string; out: string },
  tools: Tools,
): Promise<void> {
  const checkpoint = await lastCheckpoint(id, job, tools)
  const at = (path: string): string => resolve(tools.folder(id), path)
  const servers = job.blossoms
  await tools.blobs.download(checkpoint.state, at('checkpoint.json'), {
    servers,
    maxBytes: largestState as Bytes,
  })
  // Written by this identity's own job key, encrypted to itself: nobody else can have made it.
  const { log, wallet } = JSON.parse(readFileSync(at('checkpoint.json'), 'utf8')) as Snapshot
  const state = replay(customerMachine, log)
  const plan = state.plan!
  await restoreData(dataset, plan, tools, at)
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
  takeOver(id, log, Math.max(job.epoch, checkpoint.epoch, state.epoch) + 1, out, tools)
}

async function lastCheckpoint(id: string, job: Job, tools: Tools): Promise<Checkpoint> {
  const j = tools.keyring.job(id)
  tools.relays.authenticate([j])
  const filter = { kinds: [KIND.CHECKPOINT], authors: [j.pubkey], '#d': [id] }
  const found = await newest(tools, job.relays, filter, event =>
    wire.checkpoint.open(event, { me: j, from: j.pubkey }),
  )
  const last = found.get(id)
  if (last) return last.content
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
function takeOver(id: string, log: Entry<CustomerFact>[], epoch: number, out: string, tools: Tools): void {
  const { journal, now } = tools
  const outcomes = new Set(log.map(entry => entry.id))
  journal.transaction(() => {
    journal.create(id, 'customer', now())
    let state = customerMachine.initial
    const restored: Entry<CustomerFact> = {
      id: `restored:${epoch}`,
      at: now(),
      fact: { type: 'restored', epoch, out },
    }
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
