import type { Database } from '../store/index.ts'
import { derivedOutput, type Output, type Proof, yOf } from './cashu.ts'

type Row = { y: string; amount: number; proof: string }
type Owned = { y: string; amount: number; proof: Proof }

export type Proofs = ReturnType<typeof createProofs>

// The proof was serialised by this file.
const read = (row: Row): Owned => ({ y: row.y, amount: row.amount, proof: JSON.parse(row.proof) as Proof })

/** The wallet's own proofs, and the counters their secrets come from (NUT-13). */
export function createProofs(db: Database, seed: Uint8Array) {
  const all = (mint: string, state: string) =>
    db
      .prepare<Row>('select y, amount, proof from wallet_proof where mint = ? and state = ?')
      .all(mint, state)
      .map(read)

  return {
    available: (mint: string) => all(mint, 'available'),
    held: (mint: string) => [...all(mint, 'available'), ...all(mint, 'reserved')],
    has: (y: string) => db.prepare('select y from wallet_proof where y = ?').get(y) !== undefined,

    /** @returns the sum of those that were new */
    add(
      mint: string,
      proofs: Proof[],
      state: 'available' | 'reserved' = 'available',
      operation?: string,
    ): number {
      let sum = 0
      for (const proof of proofs) {
        const { changes } = db
          .prepare(
            'insert or ignore into wallet_proof (y, mint, amount, proof, state, operation) values (?, ?, ?, ?, ?, ?)',
          )
          .run(yOf(proof.secret), mint, proof.amount, JSON.stringify(proof), state, operation ?? null)
        if (changes > 0) sum += proof.amount
      }
      return sum
    },

    reserve(ys: string[], operation: string): void {
      for (const y of ys) {
        const { changes } = db
          .prepare(
            "update wallet_proof set state = 'reserved', operation = ? where y = ? and state = 'available'",
          )
          .run(operation, y)
        if (changes !== 1) throw new Error('a proof was reserved twice')
      }
    },
    settle(ys: string[], state: 'available' | 'spent'): void {
      for (const y of ys) db.prepare('update wallet_proof set state = ? where y = ?').run(state, y)
    },

    /** New deterministic outputs. The counter moves in the caller's transaction, so no secret is ever used twice. */
    outputs(keyset: string, amounts: number[]): Output[] {
      const next = this.counter(keyset)
      this.advanceCounter(keyset, next + amounts.length)
      return amounts.map((amount, i) => derivedOutput(seed, keyset, next + i, amount))
    },
    /** Outputs at given counters and of no amount yet, to ask NUT-09 whether they were signed. */
    blanks: (keyset: string, start: number, count: number): Output[] =>
      Array.from({ length: count }, (_, i) => derivedOutput(seed, keyset, start + i, 0)),

    counter: (keyset: string): number =>
      db.prepare<{ next: number }>('select next from wallet_counter where keyset = ?').get(keyset)?.next ?? 0,
    advanceCounter(keyset: string, atLeast: number): void {
      db.prepare(
        'insert into wallet_counter values (?, ?) on conflict (keyset) do update set next = max(next, excluded.next)',
      ).run(keyset, atLeast)
    },
    counters: (): Record<string, number> =>
      Object.fromEntries(
        db
          .prepare<{ keyset: string; next: number }>('select keyset, next from wallet_counter')
          .all()
          .map(row => [row.keyset, row.next]),
      ),
  }
}
