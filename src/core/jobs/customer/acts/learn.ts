import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../../../shared/errors.ts'
import type { Bytes } from '../../../../shared/units.ts'
import type { Manifest } from '../../../blobs/index.ts'
import { besideOtherRounds, type Figures } from '../../../federation/index.ts'
import { wire } from '../../../market/index.ts'
import { blockOf, type JobSpec } from '../../../training/index.ts'
import { stepsBefore } from '../hiring.ts'
import { exportModelOf } from '../report.ts'
import type { Snapshot } from '../snapshot.ts'
import type { CustomerJob } from '../state.ts'
import { sampleSeed, seedOf, sketchSeed } from '../times.ts'
import type { ActContext, Acts } from './context.ts'

/** A blob that is wrong stays wrong; a server that is away is tried again. */
const hopeless = new Set(['blobs/too-large', 'blobs/bad-manifest'])

/** A folder that is taken or closed stays so until its owner does something; a full disk may have room later. */
const unwritable = new Set(['models/folder-taken', 'models/not-writable'])

/** Updates are deleted when the job is over; what came too late for that is judged without them. */
const isThere = ({ path }: { path: string }): boolean => existsSync(path)

/** Updates that were judged, but for each provider's last: sketches of them are kept, and all would fill the disk. */
const pastUpdates = (job: CustomerJob): string[] =>
  Object.values(job.engagements).flatMap(({ works }) => {
    const judged = works.filter(({ status, path }) => status === 'closed' && path !== undefined)
    return judged.at(-2)?.path ?? []
  })

/** What is known of the updates of all other rounds, also where another machine measured them. */
const otherRounds = (job: CustomerJob, round: number): Figures[] =>
  Object.values(job.engagements).flatMap(({ works }) =>
    works.flatMap(work => (work.round !== round && work.figures) || []),
  )

/** Tokens of a sample: as many losses as they are, each of which costs as much as a row of a table. */
const sampleTokens = 32_768

/** Blocks of a text hold many losses each: fewer of them make a sample. */
const sampleOf = (spec: JobSpec): { rows?: number } =>
  spec.task === 'language' ? { rows: Math.max(32, Math.ceil(sampleTokens / blockOf(spec))) } : {}

/** The files of a job: shards and weights out, updates in, measured and folded into the next weights. */
export function learn(
  context: ActContext,
): Acts<
  | 'upload-shard'
  | 'upload-weights'
  | 'fetch'
  | 'measure'
  | 'reference'
  | 'aggregate'
  | 'checkpoint'
  | 'export'
  | 'clean-up'
> {
  const { id, tools, current, plan, j, part, at, file, upload, send } = context
  const { blobs, wallet, compute, relays, now } = tools
  /**
   * A server that will not delete cannot be made to: the blobs are encrypted, and their keys go with the job. No round
   * waits for it.
   */
  const forget = async (manifests: readonly Manifest[]): Promise<void> => {
    const leave = (error: unknown): void => tools.log(`a blob stays on its server: ${error}`)
    await Promise.all(manifests.map(manifest => blobs.remove(manifest, { signer: j }).catch(leave)))
  }
  let saving: Promise<unknown> = Promise.resolve()
  const save: Acts<'checkpoint'>['checkpoint'] = async ({ id: name, round, keys }, signal) => {
    const { epoch, weights } = current()
    const path = file('checkpoint.json')
    void forget(current().checkpoints.slice(0, -1))
    const snapshot: Snapshot = { v: 1, log: tools.journal.log(id), wallet: wallet.backup(id) }
    writeFileSync(path, JSON.stringify(snapshot))
    const state = await upload(path, `${name}:${id}`, signal, 'application/json')
    const content = {
      epoch,
      round: weights.length - 1,
      state,
      // Known once a round has sent them out; else the same upload as that round's.
      weights:
        weights.at(-1)!.manifest ??
        (await upload(at(weights.at(-1)!.path), `weights:${id}:${weights.length}`, signal)),
    }
    const event = wire.checkpoint.seal(content, {
      from: j,
      to: j.pubkey,
      at: context.stamp(),
      expiration: context.expiration(),
      d: id,
    })
    send(event)
    // Only what a relay has can be found by another machine: until then no round leaves.
    await orStopped(relays.delivered(event.id), signal)
    return { fact: { type: 'saved', round, keys, state } }
  }
  return {
    async 'upload-shard'({ key }, signal) {
      const shard = plan().shards[current().engagements[key]!.slot]!
      return {
        fact: {
          type: 'shard-ready',
          key,
          manifest: await upload(at(shard.path), `shard:${id}:${key}`, signal),
        },
      }
    },

    async 'upload-weights'({ round }, signal) {
      const { path } = current().weights[round - 1]!
      const manifest = await upload(at(path), `weights:${id}:${round}`, signal)
      return { fact: { type: 'weights-ready', round, manifest } }
    },

    async fetch({ key, round }, signal) {
      const { work } = part(key, round)
      const path = join('updates', `${round}-${key}.safetensors`)
      try {
        // The size follows from the plan, not from what the provider says.
        const maxBytes = Math.ceil(plan().updateBytes * 1.05 + 65_536) as Bytes
        await blobs.download(work.update!.manifest, file(path), {
          servers: plan().blossoms,
          maxBytes,
          signal,
        })
        return { fact: { type: 'fetched', key, round, path } }
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        const blame = hopeless.has(error.code)
        if (!blame && now() < work.times!.releaseBy) throw error
        const reason = `The update could not be fetched: ${error.message}`
        return { fact: { type: 'fetch-failed', key, round, reason, blame } }
      }
    },

    async measure({ key, round, others }, signal) {
      const { engagement, work } = part(key, round)
      const { spec, shards, holdout } = plan()
      const figures = await compute.run(
        'measure',
        {
          spec,
          weights: at(current().weights[round - 1]!.path),
          update: at(work.path!),
          shard: at(shards[engagement.slot]!.path),
          ...(shards.length > 1 ? { other: at(shards[(engagement.slot + 1) % shards.length]!.path) } : {}),
          holdout: at(holdout),
          peers: others.map(peer => ({ id: peer, path: at(part(peer, round).work.path!) })).filter(isThere),
          steps: work.steps,
          seed: sampleSeed(j.secret, round),
          sketchSeed: sketchSeed(j.secret),
          ...sampleOf(spec),
        },
        { signal },
      )
      const compared = besideOtherRounds(figures, otherRounds(current(), round))
      return { fact: { type: 'measured', key, round, figures: compared } }
    },

    async reference({ key, round, others }, signal) {
      const { engagement, work } = part(key, round)
      const { spec, shards, holdout, rho } = plan()
      const reference = await compute.run(
        'reference',
        {
          spec,
          weights: at(current().weights[round - 1]!.path),
          shard: at(shards[engagement.slot]!.path),
          holdout: at(holdout),
          steps: work.steps,
          seed: seedOf(plan(), round, key),
          first: stepsBefore(plan(), round),
          rho,
          update: at(work.path!),
          others: others.map(peer => at(part(peer, round).work.path!)).filter(path => existsSync(path)),
          folder: file('reference', `${round}-${key}`),
          sample: sampleSeed(j.secret, round),
          ...sampleOf(spec),
        },
        { signal },
      )
      return { fact: { type: 'referenced', key, round, reference } }
    },

    async aggregate({ round, keys }, signal) {
      const { spec, shards, holdout } = plan()
      const before = current().weights[round - 1]!.path
      const out = join('weights', `${round}.safetensors`)
      const updates = keys.map(key => {
        const { engagement, work } = part(key, round)
        return { path: at(work.path!), weight: shards[engagement.slot]!.rows }
      })
      if (updates.length > 0)
        await compute.run(
          'aggregate',
          { spec, weights: at(before), strategy: 'fedavg', updates, out: file(out) },
          { signal },
        )
      // A round of which nothing may be used leaves the weights as they were.
      const path = updates.length > 0 ? out : before
      // The two latest rounds' weights are kept on the servers, older ones nobody will ask for.
      void forget(
        current()
          .weights.slice(0, round - 1)
          .slice(-1)
          .flatMap(({ manifest }) => manifest ?? []),
      )
      await Promise.all(pastUpdates(current()).map(path => rm(at(path), { force: true })))
      const score = await compute.run('evaluate', { spec, weights: at(path), data: at(holdout) }, { signal })
      return { fact: { type: 'aggregated', round, path, score } }
    },

    checkpoint(effect, signal) {
      // One after the other: a later one must not be replaced by one that knows less.
      const turn = saving.then(() => save(effect, signal))
      saving = turn.catch(() => {})
      return turn
    },

    async export(_, signal) {
      try {
        const report = await exportModelOf(current(), at, compute, signal)
        return { fact: { type: 'exported', report } }
      } catch (error) {
        if (!(error instanceof UserError) || !unwritable.has(error.code)) throw error
        return { fact: { type: 'export-failed', reason: error.message } }
      }
    },

    async 'clean-up'() {
      const { engagements, weights, checkpoints } = current()
      await forget([
        ...Object.values(engagements).flatMap(({ shard }) => shard ?? []),
        ...weights.slice(-2).flatMap(({ manifest }) => manifest ?? []),
        ...checkpoints,
      ])
      for (const name of ['updates', 'reference', 'tokens', 'checkpoint.json'])
        rmSync(at(name), { recursive: true, force: true })
      return { fact: { type: 'told' } }
    },
  }
}

/** `work`, or the signal's reason as soon as it is aborted. */
function orStopped<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason)
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
