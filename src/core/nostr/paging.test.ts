import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Paging } from './paging.ts'

interface Stored {
  id: string
  created_at: number
}

/** A relay that answers with no more than `cap` of the newest events. */
function fetchAll(stored: Stored[], cap: number): { got: Set<string>; end: string } {
  const sorted = [...stored].sort((a, b) => b.created_at - a.created_at)
  const paging = new Paging()
  const got = new Set<string>()
  let until = Number.POSITIVE_INFINITY
  for (;;) {
    for (const event of sorted.filter(e => e.created_at <= until).slice(0, cap)) {
      got.add(event.id)
      paging.add(event)
    }
    const next = paging.next()
    if (typeof next === 'string') return { got, end: next }
    until = next.until
  }
}

describe('paging through a relay that cuts its answers short', () => {
  it('gets every event, as long as no second has more of them than a page', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 60 }), { maxLength: 80 }), fc.nat(8), (times, more) => {
        const stored = times.map((created_at, i) => ({ id: `${i}`, created_at }))
        const fullest = Math.max(0, ...times.map(t => times.filter(other => other === t).length))
        const { got, end } = fetchAll(stored, Math.max(1, fullest + more))
        expect(end).toBe('complete')
        expect(got.size).toBe(stored.length)
      }),
    )
  })

  it('ends, whatever a relay makes up', () => {
    const paging = new Paging()
    let pages = 0
    let next: ReturnType<Paging['next']>
    do {
      paging.add({ id: `${pages++}`, created_at: 1_800_000_000 })
      next = paging.next()
    } while (typeof next !== 'string')
    expect(next).toBe('endless')
    expect(pages).toBeLessThan(1000)
  })
})
