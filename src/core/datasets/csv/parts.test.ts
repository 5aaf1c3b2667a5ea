import { open } from 'node:fs/promises'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { UserError } from '../../../shared/errors.ts'
import { columnFor } from '../cells/known.ts'
import { NumberColumn } from '../cells/number-column.ts'
import { TextColumn } from '../cells/text-column.ts'
import { testFolder } from '../folder.test-support.ts'
import { crewOf } from '../table/crew.ts'
import { BlockSink } from '../table/scan.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import { readPart } from './part.ts'
import { type PartsOptions, scanParts } from './parts.ts'
import { NotUtf8, RecordReader } from './records.ts'
import { RowSink } from './row-sink.ts'

const folder = testFolder()

/** What a scan leaves behind: values and knowledge of each column, or its error. */
async function result(dialect: Dialect, scan: (sink: BlockSink) => unknown): Promise<unknown> {
  const columns = dialect.readings.map(reading => columnFor(reading))
  const values: number[][] = columns.map(() => [])
  const sink = new BlockSink(columns, Infinity, block => {
    for (const [c, column] of block.columns.entries()) values[c]!.push(...column.subarray(0, block.rows))
    return false // its memory may be used for the next parts
  })
  try {
    await scan(sink)
    sink.flush()
  } catch (error) {
    if (error instanceof UserError) return [error.code, error.message, error.fix]
    if (error instanceof NotUtf8) return 'not UTF-8'
    throw error
  }
  const known = columns.map(column => ({
    ...column,
    ...(column instanceof NumberColumn ? { counts: column.many || column.counts() } : {}),
    ...(column instanceof TextColumn
      ? { listed: column.dictionary.values, full: column.dictionary.full, counts: column.counts }
      : {}),
    current: undefined,
    dictionary: undefined,
  }))
  return { rows: sink.row, values, known }
}

/** In one piece and one thread. */
const whole = (text: Uint8Array, dialect: Dialect) =>
  result(dialect, sink => {
    const { separator, newline } = dialect
    const reader = new RecordReader(new RowSink(sink, dialect, 'p'), separator, newline, 'p')
    reader.push(text)
    reader.finish()
  })

async function inParts(
  text: Uint8Array,
  dialect: Dialect,
  part: number,
  ask: PartsOptions['ask'] = async request => readPart(request),
) {
  const path = folder.write('p', text)
  const file = await open(path)
  try {
    return await result(dialect, sink => scanParts({ file, path, dialect, ask, ahead: 3, part }, sink))
  } finally {
    await file.close()
  }
}

function dialectIn(text: Uint8Array): Dialect | undefined {
  try {
    return dialectOf(text, true, 'p')
  } catch (error) {
    if (error instanceof UserError || error instanceof NotUtf8) return undefined
    throw error
  }
}

const word = fc.constantFrom(
  '1',
  '-2.5',
  '7,5',
  '',
  'inf',
  'x',
  'é',
  'n/a',
  '2024-02-29',
  'a"b',
  '12345678901',
)
const cell = fc.oneof(
  { weight: 4, arbitrary: word },
  fc
    .string({ unit: fc.constantFrom('"', ',', '\n', '\r', 'a', '1') })
    .map(s => `"${s.replaceAll('"', '""')}"`),
)
/** Rows of equal length, as programs write them; line ends in quotes where it hurts. */
const table = fc
  .tuple(fc.integer({ min: 1, max: 3 }), fc.constantFrom('\n', '\r\n', '\r'), fc.constantFrom(',', ';'))
  .chain(([width, end, separator]) =>
    fc
      .array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 2, maxLength: 40 })
      .map(rows => rows.map(row => row.join(separator)).join(end)),
  )
/** Anything at all. */
const soup = fc
  .array(fc.oneof(word, fc.constantFrom('"', ',', '\n', '\r\n', '\n\n')), { maxLength: 120 })
  .map(parts => parts.join(''))
const bytes = fc
  .tuple(fc.oneof(table, soup), fc.boolean(), fc.nat(), fc.integer({ min: 0, max: 9 }))
  .map(([text, end, at, chance]) => {
    const encoded = Buffer.from(end ? `${text}\n` : text)
    if (chance === 0 && encoded.length > 0) encoded[at % encoded.length] = 0xff
    return encoded
  })

describe('a file read in parts', () => {
  it('is what it is in one piece, to the bit and to the fault, however it is cut', async () => {
    await fc.assert(
      fc.asyncProperty(bytes, fc.integer({ min: 1, max: 80 }), async (text, part) => {
        const dialect = dialectIn(text)
        fc.pre(dialect !== undefined)
        expect(await inParts(text, dialect, part)).toEqual(await whole(text, dialect))
      }),
      { numRuns: 200 },
    )
  })

  it('joins blocks, row numbers and texts of more rows than a block has, in real threads', async () => {
    const rows = Array.from(
      { length: 20_000 },
      (_, i) => `${i},${i % 7 ? i / 8 : ''},t${i % 5_000},"${i % 3}"`,
    )
    const text = Buffer.from(`\ufeffid,n,t,q\n${rows.join('\n')}`)
    const dialect = dialectOf(text.subarray(3), true, 'p')
    const crew = crewOf(2)
    let asked = 0
    let again = 0
    const found = await inParts(text, dialect, 50_000, request => {
      asked++
      again += request.memory.length
      return crew.ask('part', request)
    })
    await crew.stop()
    expect(asked).toBeGreaterThan(8)
    expect(again).toBeGreaterThan(3)
    expect(found).toEqual(await whole(text.subarray(3), dialect))
  })

  it('takes parts as they are where their cuts are right', async () => {
    const text = Buffer.from(`a,b\n${'1,2\n'.repeat(1_000)}`)
    const taken: boolean[] = []
    await inParts(text, dialectOf(text, true, 'p'), 100, async request => {
      const part = readPart(request)
      taken.push(part !== undefined)
      return part
    })
    expect(taken.length).toBeGreaterThan(30)
    expect(taken).not.toContain(false)
  })
})
