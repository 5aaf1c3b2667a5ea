import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Database, migrate, openDatabase } from '../store/index.ts'
import { type Changes, createLedger, type Ledger } from './ledger.ts'
import { testFolder } from './testing.ts'

let folder: ReturnType<typeof testFolder>
let db: Database
let ledger: Ledger
beforeEach(() => {
  folder = testFolder()
  db = openDatabase(`${folder.path}/ledger.sqlite`)
  migrate(db)
  ledger = createLedger(db, () => 1)
})
afterEach(() => {
  db.close()
  folder.remove()
})

const held = fc.constantFrom('available', 'locked', 'released', 'pendingIn', 'pendingOut')
const account = fc.oneof(held, fc.constantFrom('paid', 'earned', 'fees', 'external'))
const move = fc.record({ from: account, to: account, amount: fc.integer({ min: 1, max: 100 }) })

describe('the ledger', () => {
  it('sums to zero and never owes anything after any sequence of entries, refused ones included', () =>
    fc.assert(
      fc.property(fc.array(move, { maxLength: 12 }), moves => {
        for (const { from, to, amount } of moves) {
          const before = ledger.balance()
          const changes = { [from]: -amount, [to]: from === to ? 0 : amount } as Changes // accounts, all of them
          try {
            ledger.record('move', 'test', 'mint', changes)
          } catch {
            expect(ledger.balance()).toEqual(before)
          }
          expect([...ledger.check(), ...ledger.recount()]).toEqual([])
        }
      }),
      { numRuns: 40 },
    ))

  it('refuses an entry that does not sum to zero, and takes the work around it back', () => {
    expect(() =>
      db.transaction(() => {
        db.prepare('insert into setting values (?, ?)').run('x', '1')
        ledger.record('wrong', 'test', 'mint', { available: 5, external: -4 })
      }),
    ).toThrow(/sum to 1/)
    expect(db.prepare('select * from setting').all()).toEqual([])
    expect(ledger.history(10)).toEqual([])
  })

  it('notices an entry that went past it', () => {
    ledger.record('in', 'test', 'a', { available: 10, external: -10 })
    db.prepare("update ledger_line set amount = 11 where account = 'available'").run()
    expect(ledger.recount()).toHaveLength(1)
  })

  it('refuses to spend at one mint what is held at another', () => {
    ledger.record('in', 'test', 'a', { available: 10, external: -10 })
    expect(() => ledger.record('out', 'test', 'b', { available: -5, external: 5 })).toThrow(/available at b/)
    expect(ledger.balance().mints.a?.available).toBe(10)
  })
})
