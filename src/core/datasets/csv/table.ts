import { UserError } from '../../../shared/errors.ts'
import type { Crew } from '../table/crew.ts'
import type { Table, TableSink } from '../table/table.ts'
import { type Dialect, dialectOf } from './dialect.ts'
import { scanInThreads } from './parts.ts'
import { MOST_RECORD, RecordReader } from './records.ts'
import { RowSink } from './row-sink.ts'
import { encodingOf, type TextEncoding, utf8Of } from './text.ts'

/**
 * A table as spreadsheets and programs export it: any of four separators, decimal point or comma, quotes, with or
 * without header, UTF-8, UTF-16 or windows-1252.
 * @param encoding  when it is known already
 * @throws UserError `dataset/header-alone`, `dataset/binary`, `dataset/row-too-long`, …
 */
export async function openCsv(path: string, encoding?: TextEncoding): Promise<Table> {
  const found = encoding
    ? { encoding, why: 'Further down, the bytes are not UTF-8; Western spreadsheets write windows-1252.' }
    : await encodingOf(path)
  const { head, whole } = await headOf(path, found.encoding)
  const dialect = dialectOf(head, whole, path)
  refuseEmpty(dialect, path)
  const { separator, decimal, header, names, readings } = dialect
  return {
    path,
    format: 'csv',
    dialect: { encoding: found.encoding, separator, decimal, header, why: [found.why, ...dialect.why] },
    columns: names.map((name, i) => ({ name, reading: readings[i]! })), // as many readings as names
    head: dialect.head,
    scan: (sink, crew, signal) => scan({ path, encoding: found.encoding, dialect }, sink, crew, signal),
    close: async () => undefined,
  }
}

async function headOf(path: string, encoding: TextEncoding): Promise<{ head: Uint8Array; whole: boolean }> {
  const pieces: Uint8Array[] = []
  let size = 0
  let whole = true
  for await (const piece of utf8Of(path, encoding)) {
    pieces.push(Uint8Array.from(piece)) // the piece is reused
    size += piece.length
    if (size > MOST_RECORD) {
      whole = false
      break
    }
  }
  return { head: Buffer.concat(pieces), whole }
}

function refuseEmpty({ names, head, header }: Dialect, path: string): void {
  if (names.length === 0) {
    throw new UserError('dataset/empty', {
      message: 'The file holds nothing but empty lines.',
      fix: 'Export the table again and check that the file has rows.',
      where: path,
    })
  }
  if (head.length > 0) return
  throw new UserError('dataset/header-alone', {
    message: `The file has a header (${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''}) and no rows.`,
    fix: header ? 'Export the table again, with its rows.' : 'Add rows below.',
    where: path,
  })
}

async function scan(
  { path, encoding, dialect }: { path: string; encoding: TextEncoding; dialect: Dialect },
  sink: TableSink,
  crew?: Crew,
  signal?: AbortSignal,
): Promise<void> {
  if (encoding === 'utf-8' && crew && (await scanInThreads(path, dialect, { sink, crew }, signal))) return
  const reader = new RecordReader(new RowSink(sink, dialect, path), dialect.separator, dialect.newline, path)
  for await (const piece of utf8Of(path, encoding)) {
    signal?.throwIfAborted()
    if (!reader.push(piece)) return
  }
  reader.finish()
}
