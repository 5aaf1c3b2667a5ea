import { expect, it } from 'vitest'
import { practiceHome } from '../home.ts'
import { temporaryFolder } from '../process.test-support.ts'
import { rememberedNaming, rememberNames } from './names.ts'

it('gives local providers the names they had while their job ran, also after another job', () => {
  const folder = temporaryFolder()
  try {
    const home = practiceHome(folder.path)
    expect(rememberedNaming(home)('a'.repeat(64))).toBe('a'.repeat(12))
    rememberNames(
      home,
      new Map([
        ['a'.repeat(64), 'provider 1'],
        ['b'.repeat(64), 'provider 2'],
      ]),
    )
    rememberNames(home, new Map([['a'.repeat(64), 'provider 1']]))
    const names = ['a', 'b', 'c'].map(key => rememberedNaming(home)(key.repeat(64)))
    expect(names).toEqual(['provider 1', 'provider 2', 'c'.repeat(12)])
  } finally {
    folder.remove()
  }
})
