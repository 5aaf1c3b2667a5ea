import type { z } from 'zod'
import type { Database } from '../core/store/index.ts'

/** Small facts that a home remembers, as JSON in the table `setting`. */
export function openSettings(db: Database) {
  return {
    /** What does not fit the schema (another version wrote it) counts as not there. */
    get<T extends z.ZodType>(name: string, schema: T): z.output<T> | undefined {
      const row = db.prepare<{ value: string }>('select value from setting where name = ?').get(name)
      return row === undefined ? undefined : schema.safeParse(JSON.parse(row.value)).data
    },
    set(name: string, value: unknown): void {
      db.prepare(
        'insert into setting (name, value) values (?, ?) on conflict (name) do update set value = excluded.value',
      ).run(name, JSON.stringify(value))
    },
  }
}
export type Settings = ReturnType<typeof openSettings>
