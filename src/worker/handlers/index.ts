import type { TaskHandlers } from '../../core/compute/index.ts'
import { KeptModel } from './kept-model.ts'

const models = new KeptModel()

/** Each is loaded when it is first called: a worker that trains needs no DuckDB, one that imports no ONNX Runtime. */
export const handlers: TaskHandlers = {
  inspect: async (input, context) => (await import('./datasets.ts')).inspectDataset(input, context),
  prepare: async (input, context) => (await import('./datasets.ts')).prepareDataset(input, context),
  initialWeights: async (input, context) =>
    (await import('./weights.ts')).writeInitialWeights(input, context),
  train: async (input, context) => (await import('./train.ts')).trainRound(input, context),
  fit: async (input, context) => (await import('./fit.ts')).fitHere(input, context),
  measure: async (input, context) => (await import('./judging.ts')).measureUpdate(input, context),
  reference: async (input, context) => (await import('./judging.ts')).runReference(input, context),
  evaluate: async (input, context) => (await import('./evaluate.ts')).evaluateWeights(input, context),
  aggregate: async (input, context) => (await import('./weights.ts')).aggregateRound(input, context),
  export: async (input, context) => (await import('./model.ts')).exportFolder(input, context),
  exportText: async (input, context) => (await import('./text.ts')).exportTextFolder(input, context),
  merge: async (input, context) => (await import('./text.ts')).mergeAdapter(input, context),
  generate: async (input, context) => (await import('./text.ts')).generateText(models)(input, context),
  predict: async (input, context) => (await import('./model.ts')).predictFile(input, context),
  engines: async (input, context) => (await import('./machine.ts')).listEngines(input, context),
  probe: async (input, context) => (await import('./machine.ts')).probeEngine(input, context),
}
