import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Inspection } from '../../core/datasets/index.ts'
import { plain } from '../format.ts'
import { inspectionLines } from '../inspection.ts'
import { gradstr, start, temporaryFolder } from '../process.test-support.ts'

let folder: ReturnType<typeof temporaryFolder>
const rows = Array.from(
  { length: 60 },
  (_, i) => `${i + 1};${i * 3},5;${['rot', 'blau'][i % 2]};${i % 3 === 0 ? 'ja' : 'nein'}`,
)
const table = `Nr;Größe;Farbe;Käufer\r\n${rows.join('\r\n')}\r\n`
const files: Record<string, string | Buffer> = {
  'good.csv': table,
  'utf16.csv': Buffer.from(`\ufeff${table}`, 'utf16le'),
  'empty.csv': '',
  'header.csv': 'a,b,c\n',
  'ragged.csv': 'a,b,c\n1,2,3\n4,5\n6,7,8\n',
  'cell.csv': Buffer.concat([Buffer.from('a,b\n1,'), Buffer.alloc(40 * 1024 * 1024, 'x'), Buffer.from('\n')]),
  'binary.csv': Buffer.from(Array.from({ length: 5000 }, (_, i) => (i * 7919) % 256)),
  book: 'It was a dark night,\nand nobody said "so".\n\n'.repeat(2_000),
  'broken.jsonl': '{"prompt":"a","completion":"b"}\n{"prompt":"a"}\n',
  'one-class.csv': `x,y\n${Array.from({ length: 50 }, (_, i) => `${i},yes`).join('\n')}\n`,
}
beforeAll(() => {
  folder = temporaryFolder()
  for (const [name, content] of Object.entries(files)) writeFileSync(folder.at(name), content)
  mkdirSync(folder.at('tmp'))
})
afterAll(() => folder.remove())

/** In a folder of its own for temporary files, to see that nothing stays there. */
const inspect = (...args: string[]) =>
  gradstr(['inspect', ...args, '--home', 'home'], { cwd: folder.path, env: { TMPDIR: folder.at('tmp') } })

describe('gradstr inspect', () => {
  it('shows types, roles with their reasons, balance and preview', async () => {
    const { code, stdout, stderr } = await inspect('good.csv')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^good\.csv {2}CSV table, 60 rows, 4 columns\n/)
    for (const text of [
      'separator semicolon',
      'decimal comma',
      'classification',
      'Nr',
      'identifier',
      'First rows',
    ])
      expect(stdout).toContain(text)
    expect(stdout).toMatch(/nein +40 +66\.7 %/)
  })

  it('shows a text: documents, characters, the tokenizer it proposes, how it begins', async () => {
    const { code, stdout, stderr } = await inspect('book')
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^book {2}Text, 1 document, 88,000 characters \(\d+ different\)\n/)
    expect(stdout).toMatch(/Tokenizer {2}characters +\d+ tokens\./)
    expect(stdout).toMatch(/Length +88,000 tokens/)
    expect(stdout).toContain('It was a dark night')
  })

  it('gives all of it as one JSON line of type result, also of UTF-16', async () => {
    const { code, stdout, json } = await inspect('utf16.csv', '--json')
    expect([code, stdout.trimEnd().split('\n').length]).toEqual([0, 1])
    expect(json()[0]).toMatchObject({
      type: 'result',
      rows: 60,
      task: 'classification',
      target: 'Käufer',
      classes: [
        { name: 'nein', rows: 40 },
        { name: 'ja', rows: 20 },
      ],
    })
  })

  it.concurrent.each([
    [['missing.csv'], /missing\.csv/],
    [['good.csv', '--target', 'Preis'], /Preis/],
    [['empty.csv'], /empty/],
    [['header.csv'], /no rows/],
    [['ragged.csv'], /Row 2 \(line 3\) has 2 cells where the header has 3\..*ragged\.csv/s],
    [['cell.csv'], /The row on line 2 is longer than \d+ MB\..*cell\.csv/s],
    [['binary.csv'], /not a table/],
    [['broken.jsonl'], /Line 2 .*completion/],
    [['book', '--tokenizer', 'nowhere'], /tokenizer\.json/],
    [['one-class.csv', '--target', 'y'], /one|single|same/],
    [['.'], /folder/],
  ])('refuses %j: exit code 1, two or three lines, nothing left behind', async (args, reason) => {
    const { code, stderr } = await inspect(...args)
    expect(code).toBe(1)
    const lines = stderr.trimEnd().split('\n')
    expect(lines.length).toBeGreaterThanOrEqual(2)
    expect(lines.length).toBeLessThanOrEqual(3)
    expect(lines[0]).toMatch(/^Error: /)
    expect(lines.at(-1)).toMatch(/^Fix: /)
    expect(stderr).toMatch(reason)
    expect(stderr).not.toMatch(/\n\s+at |internal/)
  })

  it('leaves neither a home nor temporary files', async () => {
    await inspect('good.csv')
    await inspect('missing.csv')
    expect(readdirSync(folder.at('tmp'))).toEqual([])
    expect(readdirSync(folder.path).sort()).toEqual([...Object.keys(files), 'tmp'].sort())
  })

  it('stops when interrupted, and its worker with it', async () => {
    const running = start(['inspect', 'mnist'], { env: { TMPDIR: tmpdir() } })
    running.child.kill('SIGINT')
    const { code, signal } = await running.end.then(ran => ({
      code: ran.code,
      signal: running.child.signalCode,
    }))
    // Before its first line of code runs, the signal ends it as any process.
    expect(code === 130 || signal === 'SIGINT').toBe(true)
  })
})

describe('what inspect shows', () => {
  const found: Inspection = {
    path: '/data/x.csv',
    format: 'csv',
    rows: 2,
    columns: [
      {
        name: 'a\u001b[31m',
        type: 'text',
        role: 'feature',
        why: 'Text.',
        missing: 1,
        distinct: 2,
        distinctIsMinimum: true,
        examples: ['x\ny'],
      },
    ],
    targetWhy: 'No column looks like one.',
    taskWhy: 'There is no target.',
    preview: { columns: ['a'], rows: [['\u0007']] },
    problems: [
      { code: 'dataset/no-target', message: 'No target.', fix: 'Name one with --target.', severity: 'error' },
    ],
  }

  it('says what is not known, and each problem with its fix', () => {
    const text = inspectionLines(found, plain).join('\n')
    expect(text).toMatch(/Target {2}not found +No column looks like one\./)
    expect(text).toMatch(/1 \(50\.0 %\) +≥ 2/)
    expect(text).toContain('Problem: No target.\n  Name one with --target.')
  })

  it('lets no cell of a stranger’s file steer the terminal', () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
    expect(inspectionLines(found, plain).join('')).not.toMatch(/[\u0000-\u001f]/)
  })
})
