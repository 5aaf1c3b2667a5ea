import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { seconds } from '../../shared/units.ts'
import { type Database, migrate, openDatabase } from '../store/index.ts'
import { openJournal } from './journal.ts'
import type { EffectBase, Machine } from './machine.ts'
import { type Outcome, Runner } from './runner.ts'

type Fact = { type: 'go'; n: number } | { type: 'did'; n: number } | { type: 'tick' }
interface State {
  wanted: number
  did: number[]
  ticks: number
  stopped: boolean
}
type Effect = EffectBase & { n: number }

/** Asks for effects 1..n one after the other. */
const counter: Machine<State, Fact, Effect> = {
  version: 1,
  initial: { wanted: 0, did: [], ticks: 0, stopped: false },
  tick: { type: 'tick' },
  advance(state, { fact }) {
    const next = { ...state, did: [...state.did] }
    if (fact.type === 'go') next.wanted = fact.n
    if (fact.type === 'did') next.did.push(fact.n)
    if (fact.type === 'tick') next.ticks++
    const n = next.did.length + 1
    return [next, n <= next.wanted ? [{ id: `do:${n}`, type: 'do', n }] : []]
  },
  wakeAt: () => undefined,
  over: state => state.wanted > 0 && state.did.length >= state.wanted,
  abandoned: state => state.stopped,
}

describe('the runner', () => {
  let folder: string
  let db: Database
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gradstr-runner-'))
    db = openDatabase(join(folder, 'test.db'))
    migrate(db)
    db.exec('create table outbox_of_test (n integer primary key) strict')
  })
  const opened: { close(): Promise<void> }[] = []
  afterEach(async () => {
    for (const runner of opened.splice(0)) await runner.close()
    db.close()
    rmSync(folder, { recursive: true, force: true })
  })

  const open = (
    perform: (effect: Effect, signal: AbortSignal) => Promise<Outcome<Fact>>,
    machine = counter,
  ) => {
    const runner = new Runner<State, Fact, Effect>({
      id: 'job',
      side: 'customer',
      machine,
      journal: openJournal(db),
      now: () => seconds(1),
      perform: (effect, { signal }) => perform(effect, signal),
    })
    opened.push(runner)
    return runner
  }
  const sent = () =>
    db
      .prepare('select n from outbox_of_test order by n')
      .all()
      .map(row => row.n)
  const send = (n: number) => () => void db.prepare('insert into outbox_of_test values (?)').run(n)

  it('carries out what the fold asks for, one after the other, and settles', async () => {
    const runner = open(async ({ n }) => ({ fact: { type: 'did', n }, commit: send(n) }))
    runner.start()
    runner.append('go', { type: 'go', n: 3 })
    expect((await runner.settled).did).toEqual([1, 2, 3])
    expect(sent()).toEqual([1, 2, 3])
  })

  it('goes on where a crash left it: an effect without an outcome on disk is carried out again, one with it is not', async () => {
    const performed: number[] = []
    const first = open(async ({ n }, signal) => {
      performed.push(n)
      // The process "dies" inside the second effect: its outcome never comes.
      if (n === 2) return new Promise((_, reject) => signal.addEventListener('abort', reject))
      return { fact: { type: 'did', n }, commit: send(n) }
    })
    first.start()
    first.append('go', { type: 'go', n: 3 })
    await expect.poll(() => performed).toEqual([1, 2])
    await first.close()
    const second = open(async ({ n }) => {
      performed.push(n)
      return { fact: { type: 'did', n }, commit: send(n) }
    })
    second.start()
    await second.settled
    expect(performed).toEqual([1, 2, 2, 3])
    expect(sent()).toEqual([1, 2, 3])
  })

  it('writes neither the outcome nor the commit when one of them fails, and breaks loudly', async () => {
    const runner = open(async ({ n }) => ({
      fact: { type: 'did', n },
      commit: () => {
        send(n)()
        throw new Error('disk full')
      },
    }))
    runner.start()
    runner.append('go', { type: 'go', n: 1 })
    await expect(runner.settled).rejects.toThrow('disk full')
    expect(sent()).toEqual([])
    expect(openJournal(db).log('job')).toHaveLength(1)
  })

  it('tries an effect again that throws, and tells', async () => {
    let tries = 0
    const runner = open(async ({ n }) => {
      if (++tries < 2) throw new Error('mint away')
      return { fact: { type: 'did', n } }
    })
    runner.start()
    runner.append('go', { type: 'go', n: 1 })
    await runner.settled
    expect(tries).toBe(2)
  })

  it('carries nothing out before it is started, and then everything', async () => {
    const performed: number[] = []
    const runner = open(async ({ n }) => {
      performed.push(n)
      return { fact: { type: 'did', n } }
    })
    runner.append('go', { type: 'go', n: 2 })
    await new Promise(setImmediate)
    expect(performed).toEqual([])
    runner.start()
    await runner.settled
    expect(performed).toEqual([1, 2])
  })

  it('folds an entry once, however often it comes', async () => {
    const runner = open(async ({ n }) => ({ fact: { type: 'did', n } }))
    expect(runner.append('go', { type: 'go', n: 1 })).toBe(true)
    expect(runner.append('go', { type: 'go', n: 5 })).toBe(false)
    expect(runner.state.wanted).toBe(1)
  })

  it('leaves state and log as they were when the caller’s transaction rolls back', async () => {
    const runner = open(async ({ n }) => ({ fact: { type: 'did', n } }))
    expect(() =>
      db.transaction(() => {
        runner.append('go', { type: 'go', n: 1 })
        throw new Error('the relay’s mark could not be written')
      }),
    ).toThrow('mark could not')
    await new Promise(setImmediate)
    expect(runner.state.wanted).toBe(0)
    expect(openJournal(db).log('job')).toEqual([])
  })
})
