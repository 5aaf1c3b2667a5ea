import { measure, runReference as run } from '../../core/federation/index.ts'
import { given, type Handler } from './handler.ts'

export const measureUpdate: Handler<'measure'> = input => measure(given(input))

export const runReference: Handler<'reference'> = (input, { signal, progress }) =>
  run({ ...given(input), signal, onProgress: progress })
