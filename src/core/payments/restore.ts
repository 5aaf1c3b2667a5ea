import { type Sats, sats } from '../../shared/units.ts'
import { type Backup as Parsed, parseBackup } from './backup.ts'
import { type KeysetInfo, type Proof, unblind, yOf } from './cashu.ts'
import { type Context, sum } from './context.ts'
import type { Failure } from './engine.ts'
import { forPeople, REFUSED } from './mint-errors.ts'
import type { Mint } from './mints.ts'
import type { Backup } from './types.ts'

/** NUT-13: counters are asked for in batches, until this many in a row were never signed. */
const BATCH = 100
const GAP = 300

/** After a refusal that another try may get past: the mint's keysets anew, and counters beyond those used elsewhere. */
export async function renew(context: Context, url: string, failure: Failure): Promise<void> {
  const mint = await context.mints.load(url, { fresh: true })
  if (failure.code !== REFUSED.alreadySigned) return
  const { id } = mint.active()
  await scan(context, mint, mint.keyset(id), context.proofs.counter(id))
}

/**
 * What the mnemonic alone finds again at these mints (NUT-13, NUT-09, NUT-07), after the locks and unfinished swaps of a
 * backup, which it could not find: the secrets of locked proofs are random.
 */
export async function restore(
  context: Context,
  request: { mints: string[]; backup?: Backup },
): Promise<{ found: Sats; locks: number }> {
  const locks = request.backup ? importBackup(context, parseBackup(request.backup)) : 0
  let found = 0
  for (const address of request.mints) {
    const mint = await context.mints.load(address, { all: true })
    try {
      for (const keyset of mint.keysets.values()) found += await scan(context, mint, keyset)
      await dropSpent(context, mint)
    } catch (error) {
      throw forPeople(error, mint.url)
    }
  }
  return { found: sats(found), locks }
}

/** Looks for signed outputs from a counter on, adds those that are unspent and new, and moves the counter. */
async function scan(context: Context, mint: Mint, keyset: KeysetInfo, from = 0): Promise<number> {
  let found = 0
  let last = from - 1
  for (let start = from; start <= last + GAP; start += BATCH) {
    const blanks = context.proofs.blanks(keyset.id, start, BATCH)
    const signed = await mint.client.restore(blanks)
    const proofs: Proof[] = []
    blanks.forEach((blank, i) => {
      const signature = signed.get(blank.B_)
      if (!signature) return
      last = start + i
      proofs.push(unblind({ ...blank, amount: signature.amount }, signature, keyset))
    })
    context.proofs.advanceCounter(keyset.id, last + 1)
    found += await addUnspent(context, mint, proofs)
  }
  return found
}

async function addUnspent(context: Context, mint: Mint, proofs: Proof[]): Promise<number> {
  // An operation under way brings its own outputs in when it ends.
  const underWay = new Set(context.operations.open().flatMap(o => o.outputs.map(output => output.secret)))
  const isNew = (p: Proof) => !underWay.has(p.secret) && !context.proofs.has(yOf(p.secret))
  const candidates = proofs.filter(isNew)
  if (candidates.length === 0) return 0
  const states = await mint.client.states(candidates.map(p => yOf(p.secret)))
  return context.db.transaction(() => {
    const unspent = candidates.filter(p => states.get(yOf(p.secret)) === 'UNSPENT' && isNew(p))
    const added = context.proofs.add(mint.url, unspent)
    context.ledger.record('restored', mint.url, mint.url, { available: added, external: -added })
    return added
  })
}

/** Proofs that another wallet of the same seed has spent leave the balance. */
async function dropSpent(context: Context, mint: Mint): Promise<void> {
  const available = context.proofs.available(mint.url)
  const states = await mint.client.states(available.map(p => p.y))
  context.db.transaction(() => {
    const gone = context.proofs.available(mint.url).filter(p => states.get(p.y) === 'SPENT')
    context.proofs.settle(
      gone.map(p => p.y),
      'spent',
    )
    context.ledger.record('spent elsewhere', mint.url, mint.url, {
      available: -sum(gone),
      external: sum(gone),
    })
  })
}

function importBackup(context: Context, backup: Parsed): number {
  return context.db.transaction(() => {
    for (const [keyset, next] of Object.entries(backup.counters)) context.proofs.advanceCounter(keyset, next)
    let imported = 0
    for (const { proofs, ...lock } of backup.locks) {
      if (context.locks.get(lock.id)) continue
      imported++
      context.locks.put({ ...lock, job: lock.job, token: lock.token })
      context.locks.addProofs(lock.id, proofs)
      if (lock.role === 'provider') continue
      const of = (...states: string[]) => sum(proofs.filter(p => states.includes(p.state)).map(p => p.proof))
      const [locked, released, paid] = [of('locked', 'refunding'), of('released'), of('paid')]
      context.ledger.record('restored', lock.id, lock.mint, {
        locked,
        released,
        paid,
        fees: lock.fee + lock.refundFee,
        external: -(locked + released + paid + lock.fee + lock.refundFee),
      })
    }
    for (const operation of backup.operations) {
      if (context.operations.get(operation.id)) continue
      context.operations.create(operation)
      if (operation.purpose !== 'lock') continue
      const added = context.proofs.add(operation.mint, operation.inputs, 'reserved', operation.id)
      context.ledger.record('restored', operation.about, operation.mint, {
        pendingOut: added,
        external: -added,
      })
    }
    return imported
  })
}
