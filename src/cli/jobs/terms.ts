import { freemem } from 'node:os'
import { type Compute, surveyEngines } from '../../core/compute/index.ts'
import { liveTimes, practiceTimes, type Terms } from '../../core/jobs/index.ts'
import { asLine } from '../../core/market/index.ts'
import { TITLES } from '../../core/training/index.ts'
import { UserError } from '../../shared/errors.ts'
import { bytes, sats } from '../../shared/units.ts'
import type { Network } from '../network.ts'
import { isPractice } from './order.ts'

export interface ProvideOptions {
  price: number
  minimum: number
  maxDownload: number
  threads?: number
  gentle?: true
  receipts?: true
}

/** Of the memory that is free now, the part that is offered. */
const share = 0.7
/** A stranger's first round: the share of steps and price this provider risks. */
const strangers = 0.25

/**
 * What this machine offers, measured now: never a bid on what does not fit.
 * @throws UserError `provider/engine` when its numbers are wrong
 */
export async function measuredTerms(
  compute: Compute,
  options: ProvideOptions,
  network: Network,
  signal: AbortSignal,
): Promise<Terms> {
  const threads = options.threads === undefined ? {} : { threads: options.threads }
  const gentle = options.gentle === true
  const { chosen, engines } = await surveyEngines(compute, { ...threads, gentle, signal })
  if (!chosen)
    throw new UserError('provider/engine', {
      message: `This machine has no engine that computes right: ${engines.map(e => `${TITLES[e.name]}: ${e.reason}`).join('; ')}.`,
      fix: 'See `gradstr devices`. Such a machine must not earn: reinstall Gradstr, or check its memory.',
    })
  return {
    ...threads,
    gentle,
    engine: chosen.name,
    // Public, so never the machine's name, which is often its owner's.
    device: asLine(chosen.device, 100),
    flopsPerSecond: chosen.benchmark.flopsPerSecond,
    memory: bytes(Math.floor(freemem() * share)),
    card: chosen.name === 'cpu' || chosen.memory === null ? null : bytes(chosen.memory * share),
    price: { perPflop: sats(Math.max(1, Math.round(options.price))), minimum: sats(options.minimum) },
    maxDownload: bytes(options.maxDownload * 1_000_000),
    strangers,
    mints: network.mints,
    blossoms: network.blossoms,
    relays: network.relays,
    ...(options.receipts ? { receipts: true } : {}),
    leastLock: isPractice(network) ? practiceTimes.lock : liveTimes.lock,
  }
}
