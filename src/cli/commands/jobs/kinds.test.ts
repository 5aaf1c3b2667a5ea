import { mkdirSync, writeFileSync } from 'node:fs'
import sharp from 'sharp'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { gradstr, temporaryFolder } from '../../process.test-support.ts'

// Whole jobs on the practice network, on what is no table: the program, the provider that it
// hires and both workers are processes. Jobs of several providers are played elsewhere.

let folder: ReturnType<typeof temporaryFolder>
beforeAll(() => {
  folder = temporaryFolder()
})
afterAll(() => folder.remove())

/** A bound against hanging, generous for machines that do other things too; in milliseconds. */
const patience = 300_000
const env = { GRADSTR_PASSPHRASE: 'correct horse' }

async function lines(...args: string[]): Promise<Record<string, unknown>[]> {
  const ran = await gradstr([...args, '--json'], { env, cwd: folder.path })
  expect(ran.code, ran.stderr).toBe(0)
  return ran.json()
}

const trained = async (dataset: string, ...flags: string[]) =>
  (
    await lines(
      ...['train', dataset, '--home', folder.at(`${dataset}-home`), '--out', `${dataset}-model`],
      ...['--providers', '1', '--rounds', '2', '--seed', '7', ...flags],
    )
  ).at(-1)

it(
  'has a language model trained on a text by a hired provider, which then goes on with a prompt',
  async () => {
    const words = ['the', 'cat', 'sat', 'on', 'a', 'mat']
    writeFileSync(folder.at('cats.txt'), Array.from({ length: 300 }, (_, i) => words[i % 6]).join(' '))
    const result = await trained('cats.txt', '--block', '16')
    expect(result).toMatchObject({ phase: 'done', metric: 'perplexity', rounds: 2, providers: 1 })
    const asked = ['predict', 'cats.txt-model', 'the cat ', '--tokens', '7', '--temperature', '0']
    expect((await lines(...asked)).at(-1)).toMatchObject({ type: 'result', text: 'sat on ' })
  },
  patience,
)

it(
  'has a convolutional network trained on a folder of colour pictures, which then tells new ones apart',
  async () => {
    const picture = (background: { r: number; g: number; b: number }) =>
      sharp({ create: { width: 8, height: 8, channels: 3, background } }).png()
    for (const name of ['warm', 'cold']) mkdirSync(folder.at(`colours/${name}`), { recursive: true })
    // No two are alike: copies are left out of a dataset.
    for (let i = 0; i < 30; i++) {
      await picture({ r: 200 + i, g: 40 + i, b: 30 }).toFile(folder.at(`colours/warm/${i}.png`))
      await picture({ r: 20, g: 60 + i, b: 190 + i }).toFile(folder.at(`colours/cold/${i}.png`))
    }
    const result = await trained('colours')
    expect(result).toMatchObject({ phase: 'done', metric: 'accuracy', value: 1, rounds: 2, providers: 1 })
    await picture({ r: 240, g: 50, b: 45 }).toFile(folder.at('new.png'))
    const answers = await lines('predict', 'colours-model', 'new.png')
    expect(answers.find(({ type }) => type === 'prediction')).toMatchObject({ prediction: 'warm' })
  },
  patience,
)
