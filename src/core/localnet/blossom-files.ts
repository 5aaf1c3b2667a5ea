import { createHash, hash, randomUUID } from 'node:crypto'
import { createWriteStream } from 'node:fs'
import { mkdir, open, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Readable, Transform } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { discard, memoryOf } from '../../shared/memory.ts'
import { type Database, openDatabase } from '../store/index.ts'
import { Refusal } from './blossom-refusal.ts'

export type StoredBlob = { sha256: string; size: number; type: string; uploaded: number }

/** Bytes of the blobs that Gradstr stores (docs/protocol.md, blobs): 4 MiB and a tag. */
const chunk = 4 * 1024 * 1024 + 16

const schema = `
  create table if not exists blob (
    sha256 text primary key,
    size integer not null,
    type text not null,
    uploaded integer not null -- unix seconds
  ) strict;
  create table if not exists owner (
    sha256 text not null references blob (sha256) on delete cascade,
    pubkey text not null,
    primary key (sha256, pubkey)
  ) strict;
  create index if not exists owner_pubkey on owner (pubkey);
`

/** A part of a blob in memory, for one reader; `takeBack` once it has left. */
export type Part = { content: Buffer; takeBack(): void }
type Reading = { name: string; readers: number; content: Promise<Buffer> }

/** Blobs as files named by their hash, and who uploaded each; a blob goes when its last owner deletes it. */
export class BlobFiles {
  readonly #folder: string
  readonly #incoming: string
  readonly #db: Database
  readonly #maxBytes: number
  readonly #memory = memoryOf(chunk)
  readonly #reading = new Map<string, Reading>()

  private constructor(folder: string, db: Database, maxBytes: number) {
    this.#folder = join(folder, 'blobs')
    this.#incoming = join(folder, 'incoming')
    this.#db = db
    this.#maxBytes = maxBytes
  }

  static async open(folder: string, maxBytes: number): Promise<BlobFiles> {
    const files = new BlobFiles(folder, openDatabaseIn(folder), maxBytes)
    await mkdir(files.#folder, { recursive: true })
    // What a killed server was receiving.
    await rm(files.#incoming, { recursive: true, force: true })
    await mkdir(files.#incoming)
    return files
  }

  close(): void {
    this.#db.close()
  }

  path(sha256: string): string {
    return join(this.#folder, sha256)
  }

  get(sha256: string): StoredBlob | undefined {
    return this.#db.prepare<StoredBlob>('select * from blob where sha256 = ?').get(sha256)
  }

  list(pubkey: string, since: number, until: number): StoredBlob[] {
    return this.#db
      .prepare<StoredBlob>(
        `select blob.* from blob join owner using (sha256)
         where pubkey = ? and uploaded between ? and ? order by uploaded desc, sha256`,
      )
      .all(pubkey, since, until)
  }

  /** @throws Refusal 413 */
  checkSize(size: number): void {
    if (size > this.#maxBytes) throw new Refusal(413, `larger than ${this.#maxBytes} bytes`)
  }

  /**
   * Takes a body to disk, and keeps it only when its hash is one of `hashes`.
   * @param from.length  bytes, as its sender says
   * @throws Refusal 413 as soon as it is too large, 409 for another hash
   */
  async receive(
    body: Readable,
    from: { pubkey: string; hashes: ReadonlySet<string>; type: string; length?: number; now: number },
  ): Promise<{ blob: StoredBlob; fresh: boolean }> {
    const incoming = join(this.#incoming, randomUUID())
    const isChunk = from.length !== undefined && from.length <= chunk
    try {
      const { sha256, size } = isChunk
        ? await this.#saveWhole(body, from.length ?? 0, incoming)
        : await this.#save(body, incoming)
      if (!from.hashes.has(sha256))
        throw new Refusal(409, `the body is ${sha256}, which the token does not name`)
      const known = this.get(sha256)
      await rename(incoming, this.path(sha256))
      const blob = known ?? { sha256, size, type: from.type, uploaded: from.now }
      this.#db.transaction(() => {
        this.#db
          .prepare('insert or ignore into blob values (?, ?, ?, ?)')
          .run(blob.sha256, blob.size, blob.type, blob.uploaded)
        this.#db.prepare('insert or ignore into owner values (?, ?)').run(sha256, from.pubkey)
      })
      return { blob, fresh: known === undefined }
    } catch (error) {
      await rm(incoming, { force: true })
      throw error
    }
  }

  /** Hashed at once and written at once: a small body in pieces of 64 KiB is mostly overhead. */
  async #saveWhole(body: Readable, length: number, path: string): Promise<{ sha256: string; size: number }> {
    const whole = this.#memory.lend(length)
    try {
      const came = whole.subarray(0, await gather(body, whole))
      await writeFile(path, came, { flag: 'wx' })
      return { sha256: hash('sha256', came), size: came.length }
    } finally {
      this.#memory.takeBack(whole)
    }
  }

  /**
   * Part of a blob, in memory that is shared with whoever reads the same at that time, until `takeBack`; undefined when it
   * is larger than a chunk.
   * @param range  first and last byte
   */
  async read(sha256: string, { start, end }: { start: number; end: number }): Promise<Part | undefined> {
    const length = end - start + 1
    if (length > chunk) return undefined
    const name = `${sha256} ${start}-${end}`
    const part = this.#reading.get(name) ?? { name, readers: 0, content: this.#read(sha256, start, length) }
    this.#reading.set(name, part)
    part.readers++
    try {
      return { content: await part.content, takeBack: () => this.#takeBack(part) }
    } catch (error) {
      this.#takeBack(part)
      throw error
    }
  }

  async #read(sha256: string, start: number, length: number): Promise<Buffer> {
    const part = this.#memory.lend(length)
    const file = await open(this.path(sha256))
    try {
      const { bytesRead } = await file.read(part, 0, length, start)
      if (bytesRead !== length) throw new Error(`the file of blob ${sha256} is cut short`)
      return part
    } finally {
      await file.close()
    }
  }

  #takeBack(part: Reading): void {
    if (--part.readers > 0) return
    this.#reading.delete(part.name)
    part.content.then(this.#memory.takeBack, () => {})
  }

  async #save(body: Readable, path: string): Promise<{ sha256: string; size: number }> {
    const hash = createHash('sha256')
    let size = 0
    const counted = new Transform({
      transform: (part: Uint8Array, _, done) => {
        size += part.length
        if (size > this.#maxBytes) return done(new Refusal(413, `larger than ${this.#maxBytes} bytes`))
        hash.update(part)
        done(null, part)
      },
    })
    await pipeline(body, counted, createWriteStream(path, { flags: 'wx', highWaterMark: 1024 * 1024 }))
    return { sha256: hash.digest('hex'), size }
  }

  /** @throws Refusal 404 when this key owns no such blob */
  async remove(sha256: string, pubkey: string): Promise<void> {
    const gone = this.#db.transaction(() => {
      const { changes } = this.#db
        .prepare('delete from owner where sha256 = ? and pubkey = ?')
        .run(sha256, pubkey)
      if (changes === 0) throw new Refusal(404, 'this key uploaded no such blob')
      return (
        this.#db
          .prepare('delete from blob where sha256 = ? and sha256 not in (select sha256 from owner)')
          .run(sha256).changes > 0
      )
    })
    if (gone) await rm(this.path(sha256), { force: true })
  }
}

/** Reads a body into its place. @returns its bytes, which are no more than there is room for */
function gather(body: Readable, into: Buffer): Promise<number> {
  let size = 0
  return new Promise((resolve, reject) => {
    body.on('data', (part: Buffer) => {
      if (size + part.length > into.length) return void body.destroy(new Refusal(400, 'longer than it said'))
      part.copy(into, size)
      size += part.length
      discard(part)
    })
    body.once('end', () => resolve(size))
    body.once('error', reject)
    body.once('close', () => reject(new Error('the body was cut off')))
  })
}

function openDatabaseIn(folder: string): Database {
  const db = openDatabase(join(folder, 'blossom.db'), { sync: () => {} })
  db.exec(schema)
  return db
}
