import { bytes } from '../../shared/units.ts'
import type { Database } from '../store/index.ts'
import type { Sealed } from './manifest.ts'

/** What is remembered of a sealed blob; the media type is the caller's each time. */
export type Remembered = Pick<Sealed, 'key' | 'chunks' | 'sha256' | 'size'>

/** Which key sealed which bytes: table `blob_sealed`. */
export function sealedTable(db: Database) {
  return {
    /** Whether anything was ever sealed for this purpose. */
    knows: (purpose: string): boolean =>
      db.prepare('select 1 from blob_sealed where purpose = ? limit 1').get(purpose) !== undefined,
    find(purpose: string, sha256: string): Remembered | undefined {
      const row = db
        .prepare<{ key: string; size: number; chunks: string }>(
          'select key, size, chunks from blob_sealed where purpose = ? and sha256 = ?',
        )
        .get(purpose, sha256)
      return row && { key: row.key, sha256, size: bytes(row.size), chunks: JSON.parse(row.chunks) }
    },
    save(purpose: string, { key, sha256, size, chunks }: Remembered, now: number): void {
      const insert = () =>
        db
          .prepare('insert into blob_sealed values (?, ?, ?, ?, ?, ?)')
          .run(purpose, sha256, key, size, JSON.stringify(chunks), now)
      // Lost to a power cut, it costs a second upload under another key.
      db.transaction(insert, { durable: false })
    },
    forget(key: string): void {
      const remove = () => db.prepare('delete from blob_sealed where key = ?').run(key)
      // Remembered again, it is a key that no server has anything of.
      db.transaction(remove, { durable: false })
    },
  }
}
