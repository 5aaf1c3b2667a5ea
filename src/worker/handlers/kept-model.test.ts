import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { specs, writeSmallModel, writeSmallText } from '../../core/models/text/small-text.test-support.ts'
import { KeptModel } from './kept-model.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gradstr-kept-'))
  await writeSmallText(folder)
  for (const name of ['one', 'two']) await writeSmallModel(folder, name, specs.gpt)
})
afterAll(() => rm(folder, { recursive: true }))

it('keeps the model that was asked last, until another is asked or it was trained anew', async () => {
  const models = new KeptModel()
  const open = (name: string) => models.open(join(folder, name), { threads: 1 })
  const one = await open('one')
  expect(await open('one')).toBe(one)
  const two = await open('two')
  expect(two).not.toBe(one)
  await writeSmallModel(folder, 'two', specs.gpt)
  const again = await open('two')
  expect(again).not.toBe(two)
  await again.close()
})
