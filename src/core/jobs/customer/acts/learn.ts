import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { UserError } from '../../../../shared/errors.ts'
import type { Bytes } from '../../../../shared/units.ts'
import { wire } from '../../../market/index.ts'
import { exportInput } from '../report.ts'
import { seedOf } from '../times.ts'
import type { ActContext, Acts } from './context.ts'

/** A blob that is wrong stays wrong; a server that is away is tried again. */
const hopeless = new Set(['blobs/too-large', 'blobs/bad-manifest'])

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
  const { id, tools, current, plan, j, part, file, upload, send } = context
  const { blobs, wallet, compute, now } = tools
  return {
    async 'upload-shard'({ key }, signal) {
      const shard = plan().shards[current().engagements[key]!.slot]!
      return {
        fact: { type: 'shard-ready', key, manifest: await upload(shard.path, `shard:${id}:${key}`, signal) },
      }
    },

    async 'upload-weights'({ round }, signal) {
      const { path } = current().weights[round - 1]!
      const manifest = await upload(path, `weights:${id}:${round}`, signal)
      return { fact: { type: 'weights-ready', round, manifest } }
    },

    async fetch({ key, round }, signal) {
      const { work } = part(key, round)
      const path = file('updates', `${round}-${key}.safetensors`)
      try {
        // The size follows from the plan, not from what the provider says.
        const maxBytes = Math.ceil(plan().updateBytes * 1.05 + 65_536) as Bytes
        await blobs.download(work.update!.manifest, path, { servers: plan().blossoms, maxBytes, signal })
        return { fact: { type: 'fetched', key, round, path } }
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        if (!hopeless.has(error.code) && now() < work.times!.releaseBy) throw error
        return {
          fact: {
            type: 'fetch-failed',
            key,
            round,
            reason: `The update could not be fetched: ${error.message}`,
          },
        }
      }
    },

    async measure({ key, round, others }, signal) {
      const { engagement, work } = part(key, round)
      const { spec, shards, holdout } = plan()
      const before = engagement.works.find(w => w.round < round && w.path)?.path
      const figures = await compute.run(
        'measure',
        {
          spec,
          weights: current().weights[round - 1]!.path,
          update: work.path!,
          shard: shards[engagement.slot]!.path,
          ...(shards.length > 1 ? { other: shards[(engagement.slot + 1) % shards.length]!.path } : {}),
          holdout,
          peers: [
            ...others.map(peer => ({ id: peer, path: part(peer, round).work.path! })),
            ...(before === undefined ? [] : [{ id: 'own-last', path: before }]),
          ],
          steps: work.steps,
          seed: seedOf(plan(), round, 'sample'),
        },
        { signal },
      )
      return { fact: { type: 'measured', key, round, figures } }
    },

    async reference({ key, round }, signal) {
      const { engagement, work } = part(key, round)
      const { spec, shards, holdout, rho } = plan()
      const reference = await compute.run(
        'reference',
        {
          spec,
          weights: current().weights[round - 1]!.path,
          shard: shards[engagement.slot]!.path,
          holdout,
          steps: work.steps,
          seed: seedOf(plan(), round, engagement.slot),
          rho,
          update: work.path!,
          folder: file('reference', `${round}-${key}`),
          sample: seedOf(plan(), round, 'sample'),
        },
        { signal },
      )
      return { fact: { type: 'referenced', key, round, reference } }
    },

    async aggregate({ round, keys }, signal) {
      const { spec, shards, holdout } = plan()
      const weights = current().weights[round - 1]!.path
      const out = file('weights', `${round}.safetensors`)
      const updates = keys.map(key => {
        const { engagement, work } = part(key, round)
        return { path: work.path!, weight: shards[engagement.slot]!.rows }
      })
      if (updates.length > 0)
        await compute.run('aggregate', { spec, weights, strategy: 'fedavg', updates, out }, { signal })
      // A round of which nothing may be used leaves the weights as they were.
      const path = updates.length > 0 ? out : weights
      const { metrics } = await compute.run('evaluate', { spec, weights: path, data: holdout }, { signal })
      return { fact: { type: 'aggregated', round, path, metrics } }
    },

    async checkpoint({ round }, signal) {
      const { epoch, weights } = current()
      const path = file('checkpoint.json')
      writeFileSync(path, JSON.stringify({ v: 1, log: tools.journal.log(id), wallet: wallet.backup(id) }))
      const event = wire.checkpoint.seal(
        {
          epoch,
          round,
          state: await upload(path, `state:${id}:${round}`, signal, 'application/json'),
          weights: await upload(weights[round]!.path, `weights:${id}:${round + 1}`, signal),
        },
        { from: j, to: j.pubkey, at: now(), expiration: context.expiration(), d: id },
      )
      return { fact: { type: 'told' }, commit: () => send(event) }
    },

    async export(_, signal) {
      const { report } = await compute.run('export', exportInput(current()), { signal })
      return { fact: { type: 'exported', report } }
    },

    async 'clean-up'(_, signal) {
      const { engagements, weights } = current()
      const manifests = [
        ...Object.values(engagements).flatMap(({ shard }) => shard ?? []),
        ...weights.flatMap(({ manifest }) => manifest ?? []),
      ]
      for (const manifest of manifests) {
        if (signal.aborted) break
        // A server that will not delete cannot be made to: the blobs are encrypted, and their keys go with the job.
        await blobs
          .remove(manifest, { signer: j })
          .catch(error => tools.log(`a blob stays on its server: ${error}`))
      }
      rmSync(join(tools.folder(id), 'updates'), { recursive: true, force: true })
      return { fact: { type: 'told' } }
    },
  }
}
