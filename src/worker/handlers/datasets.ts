import { inspect, prepare } from '../../core/datasets/index.ts'
import { given, type Handler } from './handler.ts'

export const inspectDataset: Handler<'inspect'> = ({ path, ...options }, { signal }) =>
  inspect(path, { ...given(options), signal })

export const prepareDataset: Handler<'prepare'> = (options, { signal }) =>
  prepare({ ...given(options), signal })
