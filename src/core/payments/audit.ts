import { yOf } from './cashu.ts'
import { type Context, sum } from './context.ts'
import { forPeople } from './mint-errors.ts'
import type { Audit } from './types.ts'

/**
 * Does the ledger add up, does it agree with the proofs that are here, and, with `mints`, does each mint say that what
 * is available is unspent?
 */
export async function audit(context: Context, options: { mints?: boolean }): Promise<Audit> {
  const problems = [...context.ledger.check(), ...context.ledger.recount(), ...compare(context)]
  if (options.mints) for (const url of context.mints.known()) problems.push(...(await askMint(context, url)))
  return { problems }
}

function compare(context: Context): string[] {
  const { mints } = context.ledger.balance()
  const one = (sql: string, mint: string) => context.db.prepare<{ n: number | null }>(sql).get(mint)?.n ?? 0
  const lockProofs = (...states: string[]) =>
    `select sum(p.amount) n from wallet_lock_proof p join wallet_lock l on l.id = p.lock
     where l.role = 'customer' and l.mint = ? and p.state in (${states.map(s => `'${s}'`).join(', ')})`
  return Object.entries(mints).flatMap(([mint, accounts]) => {
    const actual = {
      available: one("select sum(amount) n from wallet_proof where mint = ? and state = 'available'", mint),
      pendingOut: one("select sum(amount) n from wallet_proof where mint = ? and state = 'reserved'", mint),
      pendingIn: one(
        "select sum(amount) n from wallet_quote where mint = ? and direction = 'in' and state = 'paid'",
        mint,
      ),
      locked: one(lockProofs('locked', 'refunding'), mint),
      released: one(lockProofs('released'), mint),
      paid: one(lockProofs('paid'), mint),
    }
    return Object.entries(actual).flatMap(([account, amount]) => {
      const booked = accounts[account as keyof typeof actual] // its keys are accounts
      return booked === amount
        ? []
        : [`${account} at ${mint}: the ledger says ${booked}, the proofs ${amount}`]
    })
  })
}

async function askMint(context: Context, url: string): Promise<string[]> {
  const mint = await context.mints.load(url)
  const available = context.proofs.available(url)
  const locked = context.locks.outstanding().filter(p => p.mint === url && p.state === 'locked')
  try {
    const states = await mint.client.states([...available, ...locked].map(p => p.y))
    const spent = available.filter(p => states.get(p.y) !== 'UNSPENT')
    const taken = locked.filter(p => states.get(p.y) !== 'UNSPENT')
    return [
      ...(spent.length > 0
        ? [`${url} says that ${sum(spent)} sat of the available ones are spent or pending`]
        : []),
      ...(taken.length > 0
        ? [`${url} says that ${sum(taken)} sat of the locked ones are spent or pending`]
        : []),
      ...available.filter(p => yOf(p.proof.secret) !== p.y).map(p => `the proof ${p.y} is not what it was`),
    ]
  } catch (error) {
    return [forPeople(error, url).message]
  }
}
