import { benchmark, engines } from '../../core/training/index.ts'
import { given, type Handler } from './handler.ts'

export const listDevices: Handler<'devices'> = async () => {
  const found = await engines()
  return found.map(({ name, device, threads, memory, test }) => {
    const error = Number.isFinite(test.error) ? test.error : null
    return { name, device, threads, memory, test: { passed: test.passed, error } }
  })
}

export const runBenchmark: Handler<'benchmark'> = input => benchmark(given(input))
