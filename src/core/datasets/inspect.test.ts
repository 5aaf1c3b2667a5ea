import { mkdirSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { inspectRows, testFolder } from './folder.test-support.ts'

const folder = testFolder()
const lines = (count: number, line: (i: number) => string, header?: string) =>
  `${[...(header ? [header] : []), ...Array.from({ length: count }, (_, i) => line(i))].join('\n')}\n`
const roles = async (path: string) =>
  Object.fromEntries((await inspectRows(path)).columns.map(({ name, role }) => [name, role]))

describe('a spreadsheet of', () => {
  it('America: commas, points, thousands in quotes', async () => {
    const file = folder.write(
      'us.csv',
      lines(
        40,
        i => `${i + 1},"${i},250.50",$${i}.99,12/${(i % 28) + 1}/2024,yes`,
        'id,income,price,day,label',
      ),
    )
    const { dialect, columns, rows } = await inspectRows(file)
    expect(dialect).toMatchObject({ encoding: 'utf-8', separator: ',', decimal: '.', header: true })
    expect(rows).toBe(40)
    expect(columns.map(({ type }) => type)).toEqual(['integer', 'number', 'number', 'date', 'text'])
  })

  it('Germany: semicolons, decimal commas, windows-1252', async () => {
    const text = lines(
      40,
      i => `Köln;${i},5;1.${String(i).padStart(3, '0')},25;${(i % 28) + 1}.12.2024;€${i % 2}`,
      'Straße;Länge;Preis;Tag;Größe',
    )
    const bytes = Buffer.from(text.replaceAll('€', '\x80'), 'latin1')
    const { dialect, columns, target } = await inspectRows(folder.write('de.csv', bytes))
    expect(dialect).toMatchObject({ encoding: 'windows-1252', separator: ';', decimal: ',', header: true })
    expect(columns.map(({ name, type }) => [name, type])).toEqual([
      ['Straße', 'text'],
      ['Länge', 'number'],
      ['Preis', 'number'],
      ['Tag', 'date'],
      ['Größe', 'integer'],
    ])
    expect(columns[4]?.examples).toEqual(['€0', '€1'])
    expect(target).toBe('Größe')
  })

  it.each([
    ['utf-16le', (s: string) => Buffer.from(`\ufeff${s}`, 'utf16le')],
    ['utf-16be', (s: string) => Buffer.from(`\ufeff${s}`, 'utf16le').swap16()],
    ['utf-16le', (s: string) => Buffer.from(s, 'utf16le')],
    ['utf-16be', (s: string) => Buffer.from(s, 'utf16le').swap16()],
    ['utf-8', (s: string) => Buffer.from(`\ufeff${s}`)],
  ] as const)('anywhere, in %s', async (encoding, encode) => {
    const file = folder.write('a.tsv', encode(lines(20, i => `${i / 2}\té${i % 2}`, 'größe\tlabel')))
    const { dialect, columns, classes } = await inspectRows(file)
    expect(dialect).toMatchObject({ encoding, separator: '\t' })
    expect(columns.map(({ name }) => name)).toEqual(['größe', 'label'])
    expect(classes).toEqual([
      { name: 'é0', rows: 10 },
      { name: 'é1', rows: 10 },
    ])
  })

  it('an old Mac: lines end with a carriage return', async () => {
    const { rows, columns } = await inspectRows(folder.write('mac.csv', 'a,b\r1,x\r2,y\r3,x\r'))
    expect([rows, columns.length]).toEqual([3, 2])
  })

  it('anybody who turns to another alphabet late: text that is UTF-8 only at the beginning is read again', async () => {
    const text = lines(60_000, i => `${i % 7},${i < 59_000 ? 'plain' : 'caf\xe9'}`, 'a,label')
    const { dialect, classes } = await inspectRows(folder.write('late.csv', Buffer.from(text, 'latin1')))
    expect(dialect?.encoding).toBe('windows-1252')
    expect(classes?.map(({ name }) => name)).toEqual(['plain', 'café'])
  })
})

describe('what is inferred', () => {
  it('leaves out identifiers, row numbers, constants, empty columns and free text, and says why', async () => {
    const file = folder.write(
      'roles.csv',
      lines(
        150,
        i =>
          `${i},${1000 + ((i * 7919) % 150) * 3},u-${i},7,,text ${i % 120},${i % 3},${i % 2 ? 'a' : 'b'},${i * 0.5}`,
        ',customer_id,uuid,version,note,remark,kind,grade,target',
      ),
    )
    const { columns } = await inspectRows(file)
    expect(columns.map(({ name, role }) => [name, role])).toEqual([
      ['column_1', 'identifier'],
      ['customer_id', 'identifier'],
      ['uuid', 'identifier'],
      ['version', 'constant'],
      ['note', 'ignored'],
      ['remark', 'ignored'],
      ['kind', 'feature'],
      ['grade', 'feature'],
      ['target', 'target'],
    ])
    for (const { why } of columns) expect(why).toMatch(/^[A-Z].*\.$/)
  })

  it('asks for nothing to be done about a text that is the same in every row', async () => {
    const file = folder.write(
      'same.csv',
      lines(60, i => `EU,${i * 7},${i % 2 ? 'a' : 'b'}`, 'region,x,y'),
    )
    const { problems } = await inspectRows(file)
    expect(problems).toMatchObject([{ code: 'dataset/column-constant', fix: 'Nothing needs to be done.' }])
  })

  it('counts the different days of a column of dates', async () => {
    const day = (i: number) => new Date(Date.UTC(2024, 0, 1 + (i % 84))).toISOString().slice(0, 10)
    const file = folder.write(
      'days.csv',
      lines(300, i => `${day(i)},${i % 2 ? 'a' : 'b'}`, 'day,y'),
    )
    const { columns } = await inspectRows(file)
    expect(columns[0]).toMatchObject({ type: 'date', distinct: 84, distinctIsMinimum: false })
  })

  it.each([
    ['a,b,Label\n1,2,x\n', 'Label'],
    ['y,b,c\n1,2,x\n', 'y'],
    ['a,b,c\n1,2,x\n', 'c'],
  ])('the target of %j is %s', async (head, target) => {
    const [header, row] = head.split('\n')
    const file = folder.write(
      't.csv',
      lines(30, i => row!.replace(/\d/, String(i)).replace('x', i % 2 ? 'x' : 'z'), header),
    )
    expect((await inspectRows(file)).target).toBe(target)
  })

  it.each([
    ['text', (i: number) => 'abc'[i % 3], 'classification'],
    ['few whole numbers', (i: number) => i % 5, 'classification'],
    ['many whole numbers', (i: number) => (i * 37) % 101, 'regression'],
    ['fractions', (i: number) => (i % 7) / 10, 'regression'],
  ] as const)('%s make it %s', async (_, value, task) => {
    const file = folder.write(
      't.csv',
      lines(100, i => `${i * i},${value(i)}`, 'a,target'),
    )
    expect(await inspectRows(file)).toMatchObject({ task, target: 'target' })
  })

  it('numbers columns that have no header', async () => {
    const file = folder.write(
      'n.csv',
      lines(20, i => `${i * 1.5};${i % 2 ? 'x' : 'y'}`),
    )
    expect(await roles(file)).toEqual({ column_1: 'feature', column_2: 'target' })
    expect((await inspectRows(file)).rows).toBe(20)
  })

  it('takes years for names of columns, unless years stand below them', async () => {
    const named = folder.write(
      'y.csv',
      lines(20, i => `c${i},${i * 1.5},${i * 2.5}`, 'city,2019,2020'),
    )
    expect(Object.keys(await roles(named)).sort()).toEqual(['2019', '2020', 'city'])
    const values = folder.write(
      'v.csv',
      lines(20, i => `${2000 + i},${i * 2.5}`),
    )
    expect(Object.keys(await roles(values))).toEqual(['column_1', 'column_2'])
  })

  it('counts classes and missing values of every spelling', async () => {
    const gaps = ['', 'NA', 'n/a', 'null', '-', '?', 'NaN', ' ']
    const file = folder.write(
      'm.csv',
      lines(80, i => `${i < 8 ? gaps[i] : i * 1.1},${i % 4 ? 'yes' : 'no'}`, 'a,class'),
    )
    const { columns, classes } = await inspectRows(file)
    expect(columns[0]).toMatchObject({ type: 'number', missing: 8 })
    expect(classes).toEqual([
      { name: 'yes', rows: 60 },
      { name: 'no', rows: 20 },
    ])
  })

  it('reports text among numbers with its first row, and counts it as missing', async () => {
    const file = folder.write(
      'mix.csv',
      lines(1_000, i => `${i === 811 ? 'broken' : i * 1.1},${i % 2}`, 'price,y'),
    )
    const { problems, columns } = await inspectRows(file)
    expect(columns[0]).toMatchObject({ type: 'number', missing: 1 })
    expect(problems).toEqual([
      expect.objectContaining({
        code: 'dataset/column-mixed',
        severity: 'warning',
        message: expect.stringContaining('in 1 of 1,000 rows (first: row 812, "broken")'),
      }),
    ])
  })

  it('reads a column again as text when only its beginning looked like numbers', async () => {
    const file = folder.write(
      'late.csv',
      lines(4_000, i => `${i < 2_000 ? i % 9 : `k${i % 9}`},${i % 2}`, 'code,y'),
    )
    const { columns, problems } = await inspectRows(file)
    expect(columns[0]).toMatchObject({ type: 'text', distinct: 18, missing: 0 })
    expect(problems).toEqual([])
  })

  it('looks at the first rows only when asked to', async () => {
    const file = folder.write(
      's.csv',
      lines(5_000, i => `${i * 1.5},${i % 2}`, 'a,y'),
    )
    expect((await inspectRows(file, { sample: 1_000 })).rows).toBe(1_000)
  })

  it('shows a preview', async () => {
    const file = folder.write(
      'p.csv',
      lines(9, i => `${i},"a, ""b"""`, 'n,t'),
    )
    expect((await inspectRows(file)).preview).toEqual({
      columns: ['n', 't'],
      rows: Array.from({ length: 5 }, (_, i) => [String(i), 'a, "b"']),
    })
  })
})

describe('bad input', () => {
  const refused = (path: string, code: string, message: RegExp, options = {}) =>
    expect(inspectRows(path, options)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message),
      fix: expect.stringMatching(/^[A-Z].*[.?]$/s),
    })

  it('is named: no such path', () => refused(folder.path('none.csv'), 'dataset/not-found', /no such file/))
  it('is named: an empty file', () => refused(folder.write('e.csv', ''), 'dataset/empty', /empty/))
  it('is named: empty lines', () => refused(folder.write('e.csv', '\n\n'), 'dataset/empty', /empty lines/))
  it('is named: a header alone', () =>
    refused(
      folder.write('h.csv', 'a,b,target\n'),
      'dataset/header-alone',
      /header \(a, b, target\) and no rows/,
    ))
  it('is named: rows of differing length', async () => {
    const text = lines(100, i => (i === 41 ? '"x\ny",2,3' : `x,${i}`), 'a,b')
    await refused(
      folder.write('r.csv', text),
      'dataset/ragged-row',
      /^Row 42 \(line 43\) has 3 cells where the header has 2/,
    )
  })
  it('is named: a row that is too short, far down', async () => {
    const text = lines(50_000, i => (i === 49_998 ? '1' : `1,${i}`), 'a,b')
    await refused(folder.write('r.csv', text), 'dataset/ragged-row', /^Row 49999 \(line 50000\) has 1 cell /)
  })
  it('is named: a cell of 40 MB, within bounded memory', async () => {
    const file = folder.write(
      'big.csv',
      Buffer.concat([Buffer.from('a,b\n1,2\n3,'), Buffer.alloc(40e6, 0x78), Buffer.from('\n5,6\n')]),
    )
    const before = process.memoryUsage().rss
    await refused(file, 'dataset/row-too-long', /^The row on line 3 is longer than 1 MB/)
    expect(process.memoryUsage().rss - before).toBeLessThan(100e6)
  })
  it('is named: a quote that swallows the file', async () => {
    const text = lines(1_000, i => (i === 3 ? '"1,2' : `${i},2`), 'a,b')
    await refused(folder.write('q.csv', text), 'dataset/quote-open', /row on line 5 a quote opens/)
  })
  it('is named: binary garbage', async () => {
    const bytes = Uint8Array.from({ length: 10_000 }, (_, i) => (i * 7919 + (i >> 3) * 31) % 256)
    await refused(folder.write('g.csv', bytes), 'dataset/binary', /not a table/)
  })
  it('is named: a web page', () =>
    refused(folder.write('w.csv', '<!DOCTYPE html>\n<html>a, b</html>\n'), 'dataset/web-page', /web page/))
  it('is named: an Excel workbook', () =>
    refused(folder.write('x.xlsx', Buffer.from('504b030414000600', 'hex')), 'dataset/spreadsheet', /Excel/))
  it('is named: a folder that is no dataset, with a table it holds', async () => {
    mkdirSync(folder.path('d'))
    folder.write('d/some.csv', 'a,b\n')
    await refused(folder.path('d'), 'dataset/not-a-dataset', /neither IDX files/)
    await expect(inspectRows(folder.path('d'))).rejects.toMatchObject({
      fix: expect.stringContaining('some.csv'),
    })
  })
  it('is named: an unknown target, with names like it', async () => {
    const file = folder.write('t.csv', 'age,income\n1,2\n2,3\n')
    await expect(inspectRows(file, { target: 'incmoe' })).rejects.toMatchObject({
      code: 'dataset/unknown-target',
      fix: 'Did you mean "income"?',
    })
    await expect(inspectRows(file, { target: 'zzzzzz' })).rejects.toMatchObject({
      fix: 'The columns are: age, income.',
    })
  })
  it('leaves nothing behind', async () => {
    await refused(folder.write('r.csv', 'a,b\n1,2\n1\n'), 'dataset/ragged-row', /Row 2/, {
      temporary: folder.path(''),
    })
    expect(folder.files()).toEqual(['r.csv'])
  })
})
