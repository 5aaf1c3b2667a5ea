import { inspect, prepare } from '../../core/datasets/index.ts'
import { given, type Handler } from './handler.ts'

export const inspectDataset: Handler<'inspect'> = ({ path, text, ...options }, { signal }) =>
  inspect(path, { ...given(options), ...(text ? { text: given(text) } : {}), signal })

export const prepareDataset: Handler<'prepare'> = ({ text, ...options }, { signal }) =>
  prepare({ ...given(options), ...(text ? { text: given(text) } : {}), signal })
