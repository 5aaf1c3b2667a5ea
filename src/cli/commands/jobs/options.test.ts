import { expect, it } from 'vitest'
import { MAX_PROVIDERS, MAX_ROUNDS } from '../../../core/market/index.ts'
import { mostProviders, mostRounds } from './options.ts'

it('asks for no more rounds and providers than a job event can announce', () => {
  expect(mostRounds).toBeLessThanOrEqual(MAX_ROUNDS)
  expect(mostProviders).toBeLessThanOrEqual(MAX_PROVIDERS)
})
