import { UserError } from '../../shared/errors.ts'
import type { Sats } from '../../shared/units.ts'
import { decodeToken, hasValidDleq, type Proof, readSecret, tokenMint, yOf } from './cashu.ts'
import { type Context, sum } from './context.ts'
import { forPeople } from './mint-errors.ts'
import { type Mint, readUrl } from './mints.ts'
import { feeOf } from './spending.ts'
import type { LockTerms } from './types.ts'

/** A token of this many characters holds more than a hundred proofs; a lock has some ten. */
const MAX_TOKEN = 100_000
const MAX_PROOFS = 64

type Expected = LockTerms & { mint: string; amount: Sats }
type Request = { id: string; token: string; mints?: string[]; expect: Expected }

/** @throws UserError `payments/lock-…`: what is wrong with the lock, for the provider's log and the answer to the customer */
function refuse(what: string, message: string): never {
  throw new UserError(`payments/lock-${what}`, {
    message,
    fix: 'Do not start the round. The customer must send a lock as the award says.',
  })
}

/**
 * The provider's look at a lock before it computes anything: mint, keys, times, amount, signatures, and that nothing of
 * it is spent. Stored when all is well.
 */
export async function receiveLock(context: Context, request: Request): Promise<void> {
  const { id, token, expect } = request
  const known = context.locks.get(id)
  if (known && (known.role !== 'provider' || known.token !== token))
    refuse('conflict', `The lock ${id} was received before with another token.`)
  checkMint(request)
  if (expect.locktime <= context.now())
    refuse('locktime', 'The time is past after which the customer can take the lock back.')
  const mint = await freshEnough(context, expect.mint, token)
  const proofs = readProofs(mint, token)
  checkKeysets(mint, proofs, expect.locktime)
  for (const proof of proofs) checkTerms(proof, expect)
  checkAmount(mint, proofs, expect.amount)
  if (proofs.some(proof => !hasValidDleq(proof, mint.keyset(proof.id))))
    refuse('dleq', 'A proof of the lock was not signed by the mint (its DLEQ proof is missing or wrong).')
  if (known) return
  const ys = proofs.map(p => yOf(p.secret))
  const other = context.locks.holding(ys, 'provider', id)
  if (other) refuse('reused', `The lock holds proofs that were sent before, for ${other}.`)
  await checkUnspent(mint, ys)

  const { provider, customer, refund, locktime } = expect
  context.db.transaction(
    () => {
      if (context.locks.get(id)) return
      context.locks.put({
        ...{ id, role: 'provider', state: 'ready', mint: mint.url, job: undefined, price: expect.amount },
        ...{ provider, customer, refund, locktime, token, judged: false, fee: 0, refundFee: 0 },
        amount: sum(proofs),
      })
      context.locks.addProofs(
        id,
        proofs.map(proof => ({ proof, state: 'received' })),
      )
    },
    // Forgotten, the lock is looked at again.
    { durable: false },
  )
  context.step('received')
}

/** Before anything is asked over the network: the token must be of the mint that was agreed, which must be one of ours. */
function checkMint({ token, mints, expect }: Request): void {
  if (token.length > MAX_TOKEN)
    refuse('token', `The token is ${token.length} characters long, which no lock is.`)
  const agreed = readUrl(expect.mint)
  if (mints && !mints.map(readUrl).includes(agreed))
    refuse('mint', `${agreed} is not a mint that this provider takes.`)
  let named: ReturnType<typeof tokenMint>
  try {
    named = tokenMint(token)
  } catch {
    return refuse('token', 'The token is not a Cashu token.')
  }
  if (named.mint !== agreed) refuse('mint', `The lock is of ${named.mint}, and ${agreed} was agreed.`)
  if (named.unit !== 'sat') refuse('unit', `The lock is in ${named.unit}, not in sat.`)
}

/** The mint as stored; asked anew when the token is of a keyset not seen yet. */
async function freshEnough(context: Context, address: string, token: string): Promise<Mint> {
  const mint = await context.mints.load(address)
  try {
    const { proofs } = decodeToken(token, [...mint.keysets.keys()])
    if (proofs.every(p => mint.keysets.has(p.id))) return mint
  } catch {
    // an unknown keyset, or no token: the second look says which
  }
  return context.mints.load(address, { fresh: true })
}

function readProofs(mint: Mint, token: string): Proof[] {
  let decoded: ReturnType<typeof decodeToken>
  try {
    decoded = decodeToken(token, [...mint.keysets.keys()])
  } catch {
    return refuse('token', 'The token is not readable, or of a keyset that the mint does not have.')
  }
  const { proofs, blindedKeys } = decoded
  if (blindedKeys) refuse('keys', 'The lock uses blinded keys.')
  if (proofs.length === 0 || proofs.length > MAX_PROOFS)
    refuse('token', `The lock has ${proofs.length} proofs; 1 to ${MAX_PROOFS} are possible.`)
  if (new Set(proofs.map(p => p.secret)).size < proofs.length)
    refuse('token', 'The lock holds a proof twice.')
  if (proofs.some(p => !Number.isSafeInteger(p.amount) || p.amount <= 0))
    refuse('token', 'The lock holds a proof of no amount.')
  return proofs
}

function checkKeysets(mint: Mint, proofs: Proof[], locktime: number): void {
  for (const { id } of proofs) {
    const keyset = mint.keysets.get(id)
    if (!keyset) return refuse('keyset', `The mint has no keyset ${id}.`)
    if (!keyset.active) refuse('keyset', `The mint has retired keyset ${id}.`)
    if (keyset.expiry !== undefined && keyset.expiry <= locktime)
      refuse('keyset', `Keyset ${id} expires before the lock's time.`)
  }
}

/** NUT-10, NUT-11: exactly the agreed conditions, written as cashu-ts writes them, so that no two readers differ. */
function checkTerms({ secret }: Proof, { provider, customer, refund, locktime }: LockTerms): void {
  const parsed = readSecret(secret)
  if (parsed?.kind !== 'P2PK') return refuse('open', 'A proof of the lock is not locked (NUT-11).')
  const { data, tags } = parsed
  if (JSON.stringify(JSON.parse(secret)) !== secret)
    refuse('secret', 'A secret of the lock is not in plain JSON.')
  const known = ['locktime', 'pubkeys', 'n_sigs', 'refund', 'n_sigs_refund', 'sigflag']
  const names = tags.map(tag => tag[0] ?? '')
  const extra = names.find((name, i) => !known.includes(name) || names.indexOf(name) !== i)
  if (extra !== undefined)
    refuse('tags', `The lock has a tag "${extra.slice(0, 40)}" that was not agreed, or has it twice.`)
  const tag = (name: string) => tags.find(t => t[0] === name)?.slice(1) ?? []
  const is = (name: string, values: string[]) => JSON.stringify(tag(name)) === JSON.stringify(values)
  const keys = [data, ...tag('pubkeys')].sort()
  if (JSON.stringify(keys) !== JSON.stringify([provider, customer].sort()))
    refuse('keys', 'The lock is not to exactly the keys of the provider and the customer that were agreed.')
  if (!is('n_sigs', ['2']))
    refuse('signatures', `The lock asks for ${tag('n_sigs')[0] ?? '1'} signatures, not 2.`)
  if (!is('refund', [refund])) refuse('refund', 'The refund key of the lock is not the one that was agreed.')
  if (tag('n_sigs_refund').length > 0 && !is('n_sigs_refund', ['1']))
    refuse('refund', 'The lock asks for more than one refund signature.')
  if (!is('locktime', [String(locktime)]))
    refuse('locktime', `The lock opens at ${tag('locktime')[0] ?? 'no time'}, not at ${locktime} as agreed.`)
  if (tag('sigflag').length > 0 && !is('sigflag', ['SIG_INPUTS']))
    refuse('sigflag', `The lock's signatures are ${tag('sigflag')[0]}, not SIG_INPUTS.`)
}

function checkAmount(mint: Mint, proofs: Proof[], amount: number): void {
  const [face, fee] = [sum(proofs), feeOf(mint, proofs)]
  if (face - fee < amount)
    refuse(
      'amount',
      `The lock holds ${face} sat, ${face - fee} after the mint's fee for redeeming it; ${amount} were agreed.`,
    )
}

async function checkUnspent(mint: Mint, ys: string[]): Promise<void> {
  let states: Awaited<ReturnType<typeof mint.client.states>>
  try {
    states = await mint.client.states(ys)
  } catch (error) {
    throw forPeople(error, mint.url)
  }
  if ([...states.values()].some(state => state !== 'UNSPENT'))
    refuse('spent', 'The lock is already spent, in part at least.')
}
