import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Batches } from './batches.ts'

const sizes = fc.record({
  rows: fc.integer({ min: 1, max: 40 }),
  batch: fc.integer({ min: 1, max: 60 }),
  seed: fc.nat(),
})

describe('batches', () => {
  it('go through every row once an epoch', () => {
    fc.assert(
      fc.property(sizes, ({ rows, batch, seed }) => {
        const order = new Batches(rows, batch, seed).of(0, 3 * rows)
        for (let epoch = 0; epoch < 3; epoch++) {
          const seen = order.slice(epoch * rows, (epoch + 1) * rows).sort()
          expect(seen).toEqual(Int32Array.from({ length: rows }, (_, i) => i))
        }
      }),
    )
  })

  it('are the same for a step, whichever steps were asked for before', () => {
    fc.assert(
      fc.property(
        sizes,
        fc.nat(200),
        fc.integer({ min: 1, max: 9 }),
        ({ rows, batch, seed }, from, count) => {
          const straight = new Batches(rows, batch, seed).of(0, from + count).slice(from * batch)
          const jumping = new Batches(rows, batch, seed)
          jumping.of(from + 50, 3)
          expect(jumping.of(from, count)).toEqual(straight)
        },
      ),
    )
  })

  it('differ between seeds and between epochs', () => {
    const first = new Batches(100, 10, 1)
    expect(first.of(0, 10)).not.toEqual(first.of(10, 10))
    expect(first.of(0, 10)).not.toEqual(new Batches(100, 10, 2).of(0, 10))
  })
})
