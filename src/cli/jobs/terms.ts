import { freemem } from 'node:os'
import type { Compute } from '../../core/compute/index.ts'
import { liveTimes, practiceTimes, type Terms } from '../../core/jobs/index.ts'
import { asLine } from '../../core/market/index.ts'
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
  const [engine] = await compute.run('devices', {}, { signal })
  if (!engine?.test.passed)
    throw new UserError('provider/engine', {
      message: 'This machine’s compute engine gives wrong numbers in its self-test.',
      fix: 'See `gradstr devices`. Such a machine must not earn: reinstall Gradstr, or check its memory.',
    })
  const gentle = options.gentle === true
  const { flopsPerSecond } = await compute.run('benchmark', { ...threads, gentle }, { signal })
  return {
    ...threads,
    gentle,
    // Public, so never the machine's name, which is often its owner's.
    device: asLine(engine.device, 100),
    flopsPerSecond,
    memory: bytes(Math.floor(freemem() * share)),
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
