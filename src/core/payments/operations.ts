import type { Database } from '../store/index.ts'
import type { Output, Proof } from './cashu.ts'

export type Purpose = 'lock' | 'refund' | 'redeem' | 'mint' | 'melt'
type StoredOutput = Output & { use: 'keep' | 'lock' }

/** A request that moves money, stored with everything that is needed to finish it before it leaves. */
export type Operation = {
  id: string
  purpose: Purpose
  /** The lock's or the quote's id. */
  about: string
  mint: string
  state: 'open' | 'done' | 'failed'
  inputs: Proof[]
  outputs: StoredOutput[]
  /** What its purpose wants remembered, once it is done. */
  result: Record<string, unknown> | undefined
  error: string | undefined
}

type Row = Record<'id' | 'about' | 'mint' | 'inputs' | 'outputs', string> & {
  purpose: Purpose
  state: Operation['state']
  result: string | null
  error: string | null
}

export type Operations = ReturnType<typeof createOperations>

export function createOperations(db: Database, now: () => number) {
  const read = (row: Row): Operation => ({
    id: row.id,
    purpose: row.purpose,
    about: row.about,
    mint: row.mint,
    state: row.state,
    inputs: JSON.parse(row.inputs) as Proof[], // written below
    outputs: JSON.parse(row.outputs) as StoredOutput[], // written below
    result: row.result === null ? undefined : (JSON.parse(row.result) as Record<string, unknown>), // written below
    error: row.error ?? undefined,
  })

  return {
    create(
      operation: Pick<Operation, 'purpose' | 'about' | 'mint' | 'inputs' | 'outputs'> & { id?: string },
    ): Operation {
      const { n } = db.prepare<{ n: number }>('select count(*) n from wallet_operation').get() ?? { n: 0 }
      const id = operation.id ?? `${operation.purpose}-${n + 1}`
      db.prepare(
        `insert into wallet_operation (id, purpose, about, mint, state, inputs, outputs, created)
         values (?, ?, ?, ?, 'open', ?, ?, ?)`,
      ).run(
        id,
        operation.purpose,
        operation.about,
        operation.mint,
        JSON.stringify(operation.inputs),
        JSON.stringify(operation.outputs),
        now(),
      )
      return { ...operation, id, state: 'open', result: undefined, error: undefined }
    },
    get(id: string): Operation | undefined {
      const row = db.prepare<Row>('select * from wallet_operation where id = ?').get(id)
      return row ? read(row) : undefined
    },
    of: (purpose: Purpose, about: string): Operation[] =>
      db
        .prepare<Row>('select * from wallet_operation where about = ? and purpose = ? order by rowid')
        .all(about, purpose)
        .map(read),
    open: (): Operation[] =>
      db.prepare<Row>("select * from wallet_operation where state = 'open' order by rowid").all().map(read),
    end(
      id: string,
      state: 'done' | 'failed',
      detail: { result?: Record<string, unknown>; error?: string },
    ): void {
      const { changes } = db
        .prepare(
          "update wallet_operation set state = ?, result = ?, error = ? where id = ? and state = 'open'",
        )
        .run(state, detail.result ? JSON.stringify(detail.result) : null, detail.error ?? null, id)
      if (changes !== 1) throw new Error(`operation ${id} ended twice`)
    },
    trouble(id: string, error: string): void {
      db.prepare('update wallet_operation set error = ? where id = ?').run(error, id)
    },
  }
}
