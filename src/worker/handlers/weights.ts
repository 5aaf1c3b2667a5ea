import { aggregate, FedAvg } from '../../core/federation/index.ts'
import {
  initialWeights,
  parameterCount,
  readPretrained,
  writeSafetensors,
} from '../../core/training/index.ts'
import type { Handler } from './handler.ts'

export const writeInitialWeights: Handler<'initialWeights'> = async ({ spec, seed, base, out }) => {
  const weights = base === undefined ? initialWeights(spec, seed) : await readPretrained(spec, base)
  return { ...(await writeSafetensors(out, weights, { format: 'pt' })), parameters: parameterCount(spec) }
}

const strategies = { fedavg: () => new FedAvg() }

export const aggregateRound: Handler<'aggregate'> = ({ spec, weights, strategy, updates, out }) =>
  aggregate(strategies[strategy](), spec, { weights, contributions: updates, out })
