import { aggregate, FedAvg } from '../../core/federation/index.ts'
import { initialWeights, parameterCount, writeSafetensors } from '../../core/training/index.ts'
import type { Handler } from './handler.ts'

export const writeInitialWeights: Handler<'initialWeights'> = async ({ spec, seed, out }) => ({
  ...(await writeSafetensors(out, initialWeights(spec, seed), { format: 'pt' })),
  parameters: parameterCount(spec),
})

const strategies = { fedavg: () => new FedAvg() }

export const aggregateRound: Handler<'aggregate'> = ({ spec, weights, strategy, updates, out }) =>
  aggregate(strategies[strategy](), spec, { weights, contributions: updates, out })
