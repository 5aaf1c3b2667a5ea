import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { UserError } from '../shared/errors.ts'
import { explain } from './failure.ts'
import { plain } from './format.ts'
import { openLog } from './log.ts'
import { temporaryFolder } from './process.test-support.ts'
import { errorLines } from './report.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder.remove())
const log = () => openLog(folder.at('home/log.jsonl'))

describe('an error', () => {
  it('of the person’s input is told as it is, with exit code 1', () => {
    const error = new UserError('dataset/empty', {
      message: 'The file is empty.',
      fix: 'Export again.',
      where: 'x.csv',
    })
    const told = explain(error, log(), false)
    expect(told.code).toBe(1)
    expect(errorLines(told.error, plain)).toEqual([
      'Error: The file is empty.',
      'Where: x.csv',
      'Fix: Export again.',
    ])
  })

  it('never spreads over more than three lines, nor writes escape sequences', () => {
    const error = { code: 'x/y', message: 'a\nb\u001b[2J', where: 'w', fix: 'c\n\nd' }
    expect(errorLines(error, plain)).toEqual(['Error: a b�[2J', 'Where: w', 'Fix: c d'])
  })

  it('of the operating system names the file and the way out', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
      path: '/h/db',
    })
    expect(explain(full, log(), false)).toEqual({
      code: 1,
      error: {
        code: 'system/enospc',
        message: 'The disk is full.',
        where: '/h/db',
        fix: 'Free some space, then run the same command again.',
      },
    })
  })

  it('of ours is one line for the person and a stack in the log', () => {
    const defect = new TypeError('x is not a function')
    const told = explain(defect, log(), false)
    expect(told.code).toBe(70)
    expect(errorLines(told.error, plain)).toHaveLength(2)
    expect(told.error.fix).toContain(folder.at('home/log.jsonl'))
    const [line = ''] = readFileSync(folder.at('home/log.jsonl'), 'utf8').split('\n')
    expect(JSON.parse(line).err.stack).toContain('failure.test.ts')
  })

  it('of ours is told also when the log cannot be written', () => {
    const told = explain(new TypeError('x'), openLog('/dev/null/log.jsonl'), false)
    expect(told.code).toBe(70)
    expect(told.error.fix).not.toContain('/dev/null')
  })
})
