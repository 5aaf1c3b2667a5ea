import { sats } from '../../shared/units.ts'
import type { Database } from '../store/index.ts'
import { type Proof, yOf } from './cashu.ts'
import type { LockState, LockTerms } from './types.ts'

type LockProofState =
  | 'locked'
  | 'refunding'
  | 'released'
  | 'paid'
  | 'refunded'
  | 'received'
  | 'redeeming'
  | 'redeemed'
  | 'returned'
  | 'lost'

export type Lock = LockTerms & {
  id: string
  role: 'customer' | 'provider'
  state: 'pending' | 'failed' | 'ready'
  mint: string
  job: string | undefined
  price: number
  amount: number
  token: string | undefined
  /** A release was decided, of whatever part. */
  judged: boolean
  /** What making it (customer) or redeeming it (provider) cost. */
  fee: number
  refundFee: number
}
export type LockProof = {
  y: string
  amount: number
  proof: Proof
  state: LockProofState
  /** The customer's signature, once released. */
  signature: string | undefined
}

type Row = Record<'id' | 'mint' | 'provider' | 'customer' | 'refund', string> &
  Record<'price' | 'amount' | 'locktime' | 'judged' | 'fee' | 'refund_fee', number> & {
    role: Lock['role']
    state: Lock['state']
    job: string | null
    token: string | null
  }

export type Locks = ReturnType<typeof createLocks>

/** Locks of both sides, with the state of every proof in them. */
export function createLocks(db: Database, now: () => number) {
  const read = ({ refund_fee: refundFee, ...row }: Row): Lock => ({
    ...row,
    refundFee,
    job: row.job ?? undefined,
    token: row.token ?? undefined,
    judged: row.judged === 1,
  })
  const proofs = (id: string): LockProof[] =>
    db
      .prepare<{ y: string; amount: number; proof: string; state: LockProofState; signature: string | null }>(
        'select y, amount, proof, state, signature from wallet_lock_proof where lock = ? order by position',
      )
      .all(id)
      .map(row => ({
        ...row,
        proof: JSON.parse(row.proof) as Proof, // written below
        signature: row.signature ?? undefined,
      }))

  return {
    get(id: string): Lock | undefined {
      const row = db.prepare<Row>('select * from wallet_lock where id = ?').get(id)
      return row ? read(row) : undefined
    },
    all: (job?: string): Lock[] =>
      db
        .prepare<Row>('select * from wallet_lock where ? is null or job = ? order by rowid')
        .all(job ?? null, job ?? null)
        .map(read),
    proofs,

    /** Also in place of one that failed: nothing of that was ever taken. */
    put(lock: Lock): void {
      db.prepare(
        `insert into wallet_lock (id, role, state, mint, job, price, amount, provider, customer, refund, locktime,
           token, judged, fee, refund_fee, created)
         values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
         on conflict (id) do update set state = excluded.state, mint = excluded.mint, job = excluded.job,
           price = excluded.price, amount = excluded.amount, provider = excluded.provider,
           customer = excluded.customer, refund = excluded.refund, locktime = excluded.locktime, fee = excluded.fee`,
      ).run(
        lock.id,
        lock.role,
        lock.state,
        lock.mint,
        lock.job ?? null,
        lock.price,
        lock.amount,
        lock.provider,
        lock.customer,
        lock.refund,
        lock.locktime,
        lock.token ?? null,
        lock.judged ? 1 : 0,
        lock.fee,
        lock.refundFee,
        now(),
      )
    },
    set(id: string, change: Partial<Pick<Lock, 'state' | 'token' | 'judged' | 'fee' | 'refundFee'>>): void {
      if (change.state) db.prepare('update wallet_lock set state = ? where id = ?').run(change.state, id)
      if (change.token) db.prepare('update wallet_lock set token = ? where id = ?').run(change.token, id)
      if (change.judged) db.prepare('update wallet_lock set judged = 1 where id = ?').run(id)
      if (change.fee) db.prepare('update wallet_lock set fee = fee + ? where id = ?').run(change.fee, id)
      if (change.refundFee)
        db.prepare('update wallet_lock set refund_fee = refund_fee + ? where id = ?').run(
          change.refundFee,
          id,
        )
    },
    addProofs(
      id: string,
      added: { proof: Proof; state: LockProofState; signature?: string | undefined }[],
    ): void {
      added.forEach(({ proof, state, signature }, position) => {
        db.prepare(
          `insert into wallet_lock_proof (lock, y, position, amount, proof, state, signature)
           values (?, ?, ?, ?, ?, ?, ?)`,
        ).run(id, yOf(proof.secret), position, proof.amount, JSON.stringify(proof), state, signature ?? null)
      })
    },
    setProofs(id: string, ys: string[], state: LockProofState): void {
      for (const y of ys)
        db.prepare('update wallet_lock_proof set state = ? where lock = ? and y = ?').run(state, id, y)
    },
    signProof(id: string, y: string, signature: string): void {
      db.prepare('update wallet_lock_proof set signature = ? where lock = ? and y = ?').run(signature, id, y)
    },
    /** Another lock, of the same role, that holds one of these proofs. */
    holding(ys: string[], role: Lock['role'], except: string): string | undefined {
      for (const y of ys) {
        const row = db
          .prepare<{ lock: string }>(
            `select lock from wallet_lock_proof join wallet_lock on id = lock
             where y = ? and role = ? and lock <> ?`,
          )
          .get(y, role, except)
        if (row) return row.lock
      }
      return undefined
    },
    /** Customer's proofs that a provider may have redeemed, or may yet, by mint. */
    outstanding(): { lock: string; mint: string; y: string; amount: number; state: LockProofState }[] {
      return db
        .prepare<{ lock: string; mint: string; y: string; amount: number; state: LockProofState }>(
          `select lock, mint, y, p.amount amount, p.state state from wallet_lock_proof p join wallet_lock on id = lock
           where role = 'customer' and p.state in ('locked', 'released')`,
        )
        .all()
    },
  }
}

const sumOf = (proofs: LockProof[], ...states: LockProofState[]) =>
  sats(proofs.filter(p => states.includes(p.state)).reduce((total, p) => total + p.amount, 0))

export function describeLock(lock: Lock, proofs: LockProof[]): LockState {
  const has = (...states: LockProofState[]) => proofs.some(p => states.includes(p.state))
  const state = (): LockState['state'] => {
    if (lock.state !== 'ready') return lock.state
    if (has('refunding')) return 'refunding'
    if (has('redeeming')) return 'redeeming'
    if (has('released')) return 'released'
    if (has('locked')) return 'locked'
    if (lock.role === 'customer') return 'closed'
    if (has('redeemed')) return 'redeemed'
    if (has('lost')) return 'lost'
    if (has('received')) return 'received'
    return 'returned'
  }
  return {
    role: lock.role,
    state: state(),
    price: sats(lock.price),
    amount: sats(lock.amount),
    released: sumOf(proofs, 'released', 'paid'),
    paid: sumOf(proofs, 'paid', 'redeemed'),
    refunded: sumOf(proofs, 'refunded'),
    fee: sats(lock.fee + lock.refundFee),
    locktime: lock.locktime,
    token: lock.token,
  }
}
