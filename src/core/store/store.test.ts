import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Driver, migrate, openDatabase } from './index.ts'

// The same tests on both drivers: Electron 25 loads only libsql, everything else better-sqlite3.
describe.each<Driver>(['better-sqlite3', 'libsql'])('the store on %s', driver => {
  let folder: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gradstr-store-'))
  })
  afterEach(() => rmSync(folder, { recursive: true, force: true }))
  const open = () => openDatabase(join(folder, 'test.db'), { driver })

  it('gives back the rows it was given, without fields of the driver', () => {
    const db = open()
    db.exec('create table t (a integer, b text, c blob, d real) strict')
    const blob = new Uint8Array([0, 255, 7])
    expect(db.prepare('insert into t values (?, ?, ?, ?)').run(1, 'x', blob, 0.5)).toEqual({
      changes: 1,
      lastInsertRowid: 1,
    })
    const row = db.prepare('select * from t').get()
    expect({ ...row, c: new Uint8Array(row?.c as Uint8Array) }).toEqual({ a: 1, b: 'x', c: blob, d: 0.5 })
    expect(db.prepare('select * from t where a = ?').get(2)).toBeUndefined()
    db.close()
  })

  it('rolls back everything when the work throws, also in a nested transaction', () => {
    const db = open()
    db.exec('create table t (a integer) strict')
    const insert = () => db.prepare('insert into t values (1)').run()
    expect(() =>
      db.transaction(() => {
        insert()
        db.transaction(insert)
        throw new Error('stop')
      }),
    ).toThrow('stop')
    expect(db.prepare('select count(*) n from t').get()).toEqual({ n: 0 })
    expect(db.rollbacks).toBe(1)
    db.transaction(() => db.transaction(insert))
    expect(db.rollbacks).toBe(1)
    expect(db.prepare('select count(*) n from t').get()).toEqual({ n: 1 })
    db.close()
  })

  it('forces to disk what is durable, and leaves to the system what may be done again', () => {
    let syncs = 0
    const db = openDatabase(join(folder, 'test.db'), { driver, sync: () => syncs++ })
    const syncsOf = (work: () => void) => {
      const before = syncs
      work()
      return syncs - before
    }
    db.exec('create table t (a integer) strict')
    const insert = () => void db.prepare('insert into t values (1)').run()
    const light = { durable: false }
    expect(syncsOf(insert)).toBe(1)
    expect(syncsOf(() => db.transaction(insert))).toBe(1)
    expect(syncsOf(() => db.transaction(insert, light))).toBe(0)
    expect(syncsOf(() => db.transaction(() => db.transaction(insert), light))).toBe(0)
    expect(syncsOf(() => db.transaction(() => db.transaction(insert, { durable: true }), light))).toBe(1)
    expect(syncsOf(() => db.transaction(() => db.transaction(insert, light)))).toBe(1)
    expect(syncsOf(() => db.transaction(insert, light))).toBe(0)
    db.close()
    const again = open()
    expect(again.prepare('select count(*) n from t').get()).toEqual({ n: 7 })
    again.close()
  })

  it('is on disk once it is said to be, by one visit for all who wait, and by none when nothing is new', async () => {
    let syncs = 0
    const db = openDatabase(join(folder, 'test.db'), { driver, sync: () => syncs++ })
    db.exec('create table t (a integer) strict')
    const insert = () =>
      db.transaction(() => void db.prepare('insert into t values (1)').run(), { durable: false })
    insert()
    const first = db.persisted()
    insert()
    await Promise.all([first, db.persisted(), db.persisted()])
    expect(syncs).toBe(1)
    await db.persisted()
    expect(syncs).toBe(1)
    insert()
    await db.persisted()
    expect(syncs).toBe(2)
    db.close()
  })

  it('says that it could not be forced to disk, and tries again', async () => {
    let broken = true
    const sync = () => {
      if (broken) throw new Error('EIO')
    }
    const db = openDatabase(join(folder, 'test.db'), { driver, sync })
    db.exec('create table t (a integer) strict')
    db.transaction(() => void db.prepare('insert into t values (1)').run(), { durable: false })
    await expect(db.persisted()).rejects.toThrow('EIO')
    await expect(db.persisted()).rejects.toThrow('EIO')
    broken = false
    await db.persisted()
    db.close()
  })

  it('waits for the disk itself where nothing else is asked for', async () => {
    const db = open()
    db.exec('create table t (a integer) strict')
    const insert = () =>
      db.transaction(() => void db.prepare('insert into t values (1)').run(), { durable: false })
    insert()
    const first = db.persisted()
    await Promise.resolve()
    insert()
    await Promise.all([first, db.persisted()])
    db.close()
  })

  it('migrates once, keeps the data, and refuses a file of a newer version', () => {
    let db = open()
    migrate(db)
    db.prepare('insert into setting values (?, ?)').run('theme', '"dark"')
    db.close()
    db = open()
    migrate(db)
    expect(db.prepare('select value from setting').get()).toEqual({ value: '"dark"' })
    db.prepare('insert into migration values (9999, ?)').run('9999-future.sql')
    expect(() => migrate(db)).toThrow(/newer Gradstr/)
    db.close()
  })
})
