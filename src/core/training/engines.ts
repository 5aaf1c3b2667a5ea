import { cpus, totalmem } from 'node:os'
import { type Bytes, bytes } from '../../shared/units.ts'
import { type SelfTest, selfTest } from './selftest.ts'
import { type SessionOptions, threadsOf } from './session.ts'

/** A way to compute on this machine, and whether it computes right. */
export interface Engine {
  name: string
  /** ONNX Runtime's execution providers, for `SessionOptions`. */
  providers: readonly string[]
  /** What it runs on, in the maker's words. */
  device: string
  threads: number
  memory: Bytes
  test: SelfTest
}

type Candidate = Pick<Engine, 'name' | 'providers'> & { device: () => string }

/** Fastest first where several pass. Other providers of ONNX Runtime are added here. */
const CANDIDATES: readonly Candidate[] = [
  { name: 'cpu', providers: ['cpu'], device: () => cpus()[0]?.model.trim() || 'processor' },
]

/**
 * The engines of this machine, each tested against double precision arithmetic. Takes a fraction of a second.
 * @throws UserError `training/engine` when one cannot run at all
 */
export async function engines(options: Pick<SessionOptions, 'threads' | 'gentle'> = {}): Promise<Engine[]> {
  const found: Engine[] = []
  for (const { name, providers, device } of CANDIDATES)
    found.push({
      name,
      providers,
      device: device(),
      threads: threadsOf(options),
      memory: bytes(totalmem()),
      test: await selfTest({ ...options, providers }),
    })
  return found
}
