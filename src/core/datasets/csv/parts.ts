import { type FileHandle, open } from 'node:fs/promises'
import { NumberColumn } from '../cells/number-column.ts'
import type { Crew } from '../table/crew.ts'
import type { TableSink } from '../table/table.ts'
import type { Dialect } from './dialect.ts'
import { edgesOf } from './edges.ts'
import type { PartRequest, ReadPart } from './part.ts'
import { RecordReader } from './records.ts'
import { RowSink } from './row-sink.ts'

const PART = 4 * 1024 * 1024
/** From this size on, threads save more than their start costs. */
const WORTH_THREADS = 24 * 1024 * 1024
/** Each part has blocks of its own: those of very wide tables would fill the memory. */
const MOST_COLUMNS = 500
const PIECE = 1024 * 1024

/**
 * Reads a large file of UTF-8 in threads, part by part.
 * @returns false when that is not worth it or the sink does not take parts: nothing was read
 */
export async function scanInThreads(
  path: string,
  dialect: Dialect,
  { sink, crew }: { sink: TableSink; crew: Crew },
  signal?: AbortSignal,
): Promise<boolean> {
  if (!sink.append || crew.size < 2 || dialect.names.length > MOST_COLUMNS) return false
  const file = await open(path, 'r')
  try {
    if ((await file.stat()).size < WORTH_THREADS) return false
    const ask = (request: PartRequest) => crew.ask('part', request)
    await scanParts({ file, path, dialect, ask, ahead: 2 * crew.size, part: PART }, sink, signal)
    return true
  } finally {
    await file.close()
  }
}

export interface PartsOptions {
  file: FileHandle
  path: string
  dialect: Dialect
  ask(request: PartRequest): Promise<ReadPart | undefined>
  /** Parts that are asked for before the first is there. */
  ahead: number
  /** Bytes of a part. */
  part: number
}

/**
 * Cuts the file after line ends, which may turn out to lie within quotes. A part that was read from the beginning of a
 * record to the end of one is right, and so is where the next one begins. Any other is read again here, and whatever
 * follows, until a record ends where a part does: so each fault is found where it stands, and each byte is read twice
 * at most.
 */
export async function scanParts(options: PartsOptions, sink: TableSink, signal?: AbortSignal): Promise<void> {
  const { file, path, dialect, part } = options
  const edges = await edgesOf(file, dialect.newline, part)
  const answers = asked(options, edges, sink)
  let line = 1
  let here: { rows: RowSink; reader: RecordReader } | undefined
  for (let i = 0; i + 1 < edges.length; i++) {
    const answer = await answers.next(i)
    signal?.throwIfAborted()
    if (!here && answer) {
      answers.giveBack(sink.append?.(answer) ?? [])
      line += answer.lines
      continue
    }
    if (!here) {
      const rows = new RowSink(sink, dialect, path, dialect.header && i === 0)
      here = { rows, reader: new RecordReader(rows, dialect.separator, dialect.newline, path, line) }
    }
    await readHere(file, edges[i]!, edges[i + 1]!, here.reader, signal)
    if (here.reader.within || here.rows.waiting) continue
    line = here.reader.line
    here = undefined
  }
  here?.reader.finish()
}

/** Asks for parts in their order, some of them ahead. */
function asked({ file, dialect, ask, ahead }: PartsOptions, edges: readonly number[], sink: TableSink) {
  const { separator, newline, decimal, names, header } = dialect
  const readings = sink.columns.map(column => column?.reading)
  const memory: SharedArrayBuffer[] = []
  const request = (i: number): PartRequest => ({
    file: file.fd,
    from: edges[i]!,
    to: edges[i + 1]!,
    last: i + 2 === edges.length,
    header: header && i === 0,
    dialect: { separator, newline, decimal, names },
    readings,
    many: sink.columns.map(column => column instanceof NumberColumn && column.many),
    memory: memory.splice(0),
  })
  const waiting: Promise<ReadPart | undefined>[] = []
  let next = 0
  return {
    giveBack: (free: SharedArrayBuffer[]) => void memory.push(...free),
    next(i: number): Promise<ReadPart | undefined> {
      while (next + 1 < edges.length && next < i + ahead) {
        const answer = ask(request(next++))
        answer.catch(() => undefined) // thrown where it is waited for
        waiting.push(answer)
      }
      return waiting.shift()! // one for each part
    },
  }
}

async function readHere(
  file: FileHandle,
  from: number,
  to: number,
  reader: RecordReader,
  signal?: AbortSignal,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(PIECE)
  for (let at = from; at < to; ) {
    signal?.throwIfAborted()
    const { bytesRead } = await file.read(buffer, 0, Math.min(PIECE, to - at), at)
    if (bytesRead === 0) return
    reader.push(buffer.subarray(0, bytesRead))
    at += bytesRead
  }
}
