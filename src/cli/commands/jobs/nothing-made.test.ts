import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { newMnemonic } from '../../../core/identity/index.ts'
import { gradstr, temporaryFolder } from '../../process.test-support.ts'

// What is wrong with a command is told before a home is made for it: nothing here talks to anyone.

let folder: ReturnType<typeof temporaryFolder>
beforeAll(() => {
  folder = temporaryFolder()
  writeFileSync(folder.at('table.csv'), 'a,b\n1,2\n')
  writeFileSync(folder.at('empty.csv'), '')
  writeFileSync(folder.at('taken'), 'mine')
})
afterAll(() => folder.remove())

const nowhere = 'http://127.0.0.1:9'
const network = ['--relay', 'ws://127.0.0.1:9', '--blossom', nowhere, '--mint', nowhere]
const relayAlone = network.slice(0, 2)

it.each([
  ['train without a dataset, on the practice network', ['train', 'none.csv'], 'dataset/not-found'],
  ['train with an empty dataset', ['train', 'empty.csv', ...network], 'dataset/empty'],
  [
    'train with an --out that is taken',
    ['train', 'table.csv', '--out', 'taken', ...network],
    'models/folder-taken',
  ],
  ['train without a mint', ['train', 'table.csv', ...relayAlone], 'network/incomplete'],
  ['provide without a mint', ['provide', ...relayAlone], 'network/incomplete'],
  ['recover without a mint', ['recover', 'table.csv', ...relayAlone], 'network/incomplete'],
])('%s makes no home', async (_, args, code) => {
  const home = folder.at('home')
  const options = { cwd: folder.path, env: { GRADSTR_PASSPHRASE: 'correct horse' }, input: newMnemonic() }
  const ran = await gradstr([...args, '--home', home, '--json'], options)
  expect([ran.code, ran.json().at(-1)?.code]).toEqual([1, code])
  expect(existsSync(home) ? readdirSync(home) : []).toEqual([])
})

it('recover’s help names every flag that it cannot do without', async () => {
  const { stdout } = await gradstr(['recover', '--help'])
  const asked = stdout.slice(stdout.indexOf('For a new machine'))
  for (const flag of ['--relay', '--blossom', '--mint']) expect(asked).toContain(flag)
})
