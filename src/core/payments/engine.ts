import type { Database } from '../store/index.ts'
import { type Proof, type Signature, unblind, yOf } from './cashu.ts'
import { MintDishonest, MintRefusal, MintSilent, REFUSED } from './mint-errors.ts'
import type { Mint, Mints } from './mints.ts'
import type { Operation, Operations, Purpose } from './operations.ts'

/** What the mint's answer came to. `facts` is what a melt adds: what it paid and the preimage. */
export type Outcome = { proofs: { proof: Proof; use: 'keep' | 'lock' }[]; facts: Record<string, unknown> }
/** @property spent  the Ys of inputs that someone else has spent */
export type Failure = { reason: string; code: number; spent: Set<string> }

/** What each purpose does in the transaction that ends its operation. */
export type Ending = {
  done(operation: Operation, outcome: Outcome): Record<string, unknown>
  failed(operation: Operation, failure: Failure): void
}

/** Sends one operation's request; the answer, or undefined when its end is not known yet. */
type Sender = (mint: Mint, operation: Operation, fresh: boolean) => Promise<Answer | undefined>
export type Answer = { signatures: Signature[]; facts?: Record<string, unknown> }

/** Of a transaction that stores an operation: it is on disk before the request leaves, together with others. */
export const persistedLater = { durable: false }

/** The mint has refused an operation for good. */
export class OperationFailed extends Error {
  readonly failure: Failure

  constructor(failure: Failure) {
    super(failure.reason)
    this.failure = failure
  }
}

export type Engine = ReturnType<typeof createEngine>

/**
 * Drives a stored operation to its end. A request that got no answer is sent again, the same; a refusal because it was
 * already carried out is answered by NUT-09, which gives the signatures of the stored outputs back. So it does not
 * matter at which point the process died before.
 */
export function createEngine(options: {
  db: Database
  mints: Mints
  operations: Operations
  step: (name: string) => void
  senders: { mint: Sender; melt: Sender }
  endings: () => Record<Purpose, Ending>
}) {
  const { db, mints, operations, step, senders, endings } = options
  const running = new Map<string, Promise<Operation>>()
  const born = new Set<string>()

  async function drive(operation: Operation): Promise<Operation> {
    // With all that is needed to finish it, before the request leaves.
    await db.persisted()
    const mint = await mints.load(operation.mint)
    const fresh = born.delete(operation.id)
    const send =
      operation.purpose === 'mint' || operation.purpose === 'melt' ? senders[operation.purpose] : swap
    try {
      const answer = await send(mint, operation, fresh)
      step(`${operation.purpose}:answered`)
      if (!answer) return operation
      const proofs = answer.signatures.map((signature, i) => {
        const output = operation.outputs[i]
        if (!output) throw new MintDishonest('it signed more outputs than it was given')
        // NUT-08: the amount of a blank output is the mint's to say
        const amount = output.amount === 0 ? signature.amount : output.amount
        return { proof: unblind({ ...output, amount }, signature, mint.keyset(output.id)), use: output.use }
      })
      finish(operation, { proofs, facts: answer.facts ?? {} })
    } catch (error) {
      if (error instanceof OperationFailed) fail(operation, error.failure)
      else if (error instanceof MintDishonest || error instanceof MintSilent || error instanceof MintRefusal)
        operations.trouble(operation.id, error.message)
      throw error
    }
    return operations.get(operation.id) ?? operation
  }

  function finish(operation: Operation, outcome: Outcome): void {
    db.transaction(
      () => {
        const result = endings()[operation.purpose].done(operation, outcome)
        operations.end(operation.id, 'done', { result })
      },
      // The mint gives the same answer again (NUT-09).
      { durable: false },
    )
    step(`${operation.purpose}:done`)
  }

  function fail(operation: Operation, failure: Failure): void {
    db.transaction(() => {
      endings()[operation.purpose].failed(operation, failure)
      operations.end(operation.id, 'failed', { error: failure.reason })
    })
    step(`${operation.purpose}:failed`)
  }

  return {
    /** Right after the transaction that stored it: its request was never sent before. */
    created(operation: Operation): void {
      born.add(operation.id)
      step(`${operation.purpose}:stored`)
    },

    /** @throws OperationFailed, MintSilent, MintDishonest, UserError; in the last three cases it stays open */
    advance(id: string): Promise<Operation> {
      const known = running.get(id)
      if (known) return known
      const operation = operations.get(id)
      if (!operation) throw new Error(`no operation ${id}`)
      if (operation.state !== 'open') return Promise.resolve(operation)
      const promise = drive(operation).finally(() => running.delete(id))
      running.set(id, promise)
      return promise
    },

    /** Ends when any operation now under way does, whichever way; false when there is none. */
    async anyEnds(): Promise<boolean> {
      if (running.size === 0 && born.size === 0) return false
      // One that was stored a moment ago is about to be sent.
      if (running.size === 0) await new Promise(resolve => setImmediate(resolve))
      else await Promise.race([...running.values()].map(p => p.catch(() => undefined)))
      return true
    },
  }
}

/** NUT-03. */
async function swap(mint: Mint, { inputs, outputs }: Operation): Promise<Answer | undefined> {
  try {
    return { signatures: complete(outputs.length, await mint.client.swap(inputs, outputs)) }
  } catch (error) {
    if (!(error instanceof MintRefusal)) throw error
    const spent = await spentInputs(mint, inputs)
    if (spent === 'pending') return undefined
    // 11003 with unspent inputs: another wallet of this seed has used these outputs; the inputs are free.
    if (spent.size === 0) throw new OperationFailed({ reason: error.message, code: error.code, spent })
    const signatures = await restored(mint, outputs)
    if (signatures) return { signatures }
    throw new OperationFailed({
      reason: 'its inputs were spent elsewhere',
      code: REFUSED.alreadySpent,
      spent,
    })
  }
}

export async function spentInputs(mint: Mint, inputs: Proof[]): Promise<Set<string> | 'pending'> {
  const states = await mint.client.states(inputs.map(input => yOf(input.secret)))
  if ([...states.values()].includes('PENDING')) return 'pending'
  return new Set([...states].filter(([, state]) => state === 'SPENT').map(([y]) => y))
}

/** NUT-09: all of the outputs' signatures, or undefined when not all of them were signed for what they say. */
export async function restored(mint: Mint, outputs: Operation['outputs']): Promise<Signature[] | undefined> {
  const found = await mint.client.restore(outputs)
  const signatures = outputs.flatMap(output => {
    const signature = found.get(output.B_)
    return signature && signature.amount === output.amount ? [signature] : []
  })
  return signatures.length === outputs.length ? signatures : undefined
}

export function complete(expected: number, signatures: Signature[]): Signature[] {
  if (signatures.length !== expected)
    throw new MintDishonest(`it signed ${signatures.length} of ${expected} outputs`)
  return signatures
}
