import { rm } from 'node:fs/promises'
import { writeDivergedUpdate, writeUpdate } from '../../core/federation/index.ts'
import { type TrainRequest, train } from '../../core/training/index.ts'
import { UserError } from '../../shared/errors.ts'
import { given, type Handler } from './handler.ts'

/** What an update event shows of a round's losses. */
const LOSSES = 512

export const trainRound: Handler<'train'> = async (input, { signal, progress }) => {
  const { update, dtype, ...run } = given(input)
  const trained = `${update}.trained`
  let step = 0
  const onProgress: TrainRequest['onProgress'] = at => {
    step = at.step
    progress(at)
  }
  try {
    const result = await train({ ...run, out: trained, signal, onProgress })
    signal.throwIfAborted()
    const file = await writeUpdate(run.spec, { from: run.weights, to: trained, out: update }, dtype)
    const { steps, checkpoints, seconds, fallbacks } = result
    const losses = thinned(result.losses)
    return { steps, losses, checkpoints, seconds, update: file, diverged: null, fallbacks }
  } catch (error) {
    if (!(error instanceof UserError) || error.code !== 'training/diverged') throw error
    const file = await writeDivergedUpdate(run.spec, update)
    const nothing = { losses: [], checkpoints: [], seconds: 0, fallbacks: [] }
    return { ...nothing, steps: step, update: file, diverged: error.message }
  } finally {
    await rm(trained, { force: true })
  }
}

/** At most 512 of them, evenly spaced, the first and the last included. */
const thinned = (losses: number[]): number[] =>
  losses.length <= LOSSES
    ? losses
    : Array.from({ length: LOSSES }, (_, i) => losses[Math.round((i * (losses.length - 1)) / (LOSSES - 1))]!)
