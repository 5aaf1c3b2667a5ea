import { benchmark, engines, selfTest } from '../../core/training/index.ts'
import { given, type Handler } from './handler.ts'

export const listEngines: Handler<'engines'> = () => engines()

export const probeEngine: Handler<'probe'> = async input => {
  const { passed, error, worst } = await selfTest(given(input))
  const test = { passed, error: Number.isFinite(error) ? error : null, worst }
  return { test, benchmark: passed ? await benchmark(given(input)) : null }
}
