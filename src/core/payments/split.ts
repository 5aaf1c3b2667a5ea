import { UserError } from '../../shared/errors.ts'

/** NUT-02: what a mint takes for `count` inputs, rounded up once for the whole transaction. */
export const inputFee = (count: number, feePpk: number): number => Math.ceil((count * feePpk) / 1000)

const sum = (amounts: number[]): number => amounts.reduce((total, amount) => total + amount, 0)

/**
 * The fewest amounts that sum to `amount`, largest first, from a keyset's denominations (powers of two in practice).
 * @throws RangeError when the denominations cannot make the amount
 */
export function split(amount: number, denominations: number[]): number[] {
  const parts: number[] = []
  let left = amount
  for (const denomination of [...denominations].sort((a, b) => b - a)) {
    if (denomination <= 0) continue
    const times = Math.floor(left / denomination)
    if (parts.length + times > 1000) throw new RangeError(`${amount} would take more than 1,000 proofs`)
    for (let i = 0; i < times; i++) parts.push(denomination)
    left -= times * denomination
  }
  if (left !== 0) throw new RangeError(`${amount} cannot be made of this mint's denominations`)
  return parts
}

/**
 * A part payment falls short of what is due by at most this share of the lock. It is made once at most, for it ends an
 * engagement; each proof is paid for in every round, by two dozen operations on the curve.
 */
const COARSENESS = 1 / 4

/**
 * The amounts of a lock, so that a verdict can release a part of it: a lock of one large proof could be released only
 * whole. As few as that takes, because a proof costs a fee, some 600 bytes in the round's event, and time.
 */
export function splitForParts(amount: number, denominations: number[]): number[] {
  const gap = Math.max(1, amount * COARSENESS)
  const parts = split(amount, denominations).reverse()
  // Sums of the parts before `i` reach up to `reach` without a larger gap; what part `i` leaves open beyond it is halved.
  for (let i = 0, reach = 0; i < parts.length; ) {
    const half = (parts[i] ?? 0) / 2
    if (2 * half - reach > gap && denominations.includes(half)) {
      parts.splice(i, 1, half, half)
      parts.sort((a, b) => a - b)
      i = 0
      reach = 0
    } else {
      reach += 2 * half
      i++
    }
  }
  return parts.reverse()
}

/**
 * The amounts to lock so that the provider, having paid the mint's fee for redeeming all of them, holds at least `price`.
 * @throws UserError `payments/fees-too-high` when the fee would exceed the price
 */
export function splitWithFee(price: number, feePpk: number, denominations: number[]): number[] {
  let face = price
  while (face <= 2 * price) {
    const amounts = splitForParts(face, denominations)
    const short = price - (face - inputFee(amounts.length, feePpk))
    if (short <= 0) return amounts
    face += short
  }
  throw new UserError('payments/fees-too-high', {
    message: `This mint charges ${feePpk / 1000} sat per proof, more than the ${price} sat to be paid.`,
    fix: 'Pay larger rounds, or use a mint with lower fees.',
  })
}

/**
 * The part of a lock to release for `amount`: the subset that is worth most after the redeeming fee, and at most that.
 * @param amounts  the lock's amounts; returns positions in it
 */
export function largestPart(amounts: number[], amount: number, feePpk: number): number[] {
  const of = (i: number) => amounts[i] ?? 0
  const all = amounts.map((_, i) => i)
  const total = sum(amounts)
  const worthAll = total - inputFee(all.length, feePpk)
  if (worthAll <= amount) return worthAll > 0 ? all : []
  const descending = [...all].sort((a, b) => of(b) - of(a))
  let best: { part: number[]; net: number } = { part: [], net: 0 }
  // Largest first: what can no more be the best, or is too much whatever follows, is not looked at.
  const look = (part: number[], face: number, at: number, left: number): void => {
    const net = face - inputFee(part.length, feePpk)
    if (net > best.net && net <= amount) best = { part, net }
    const tooMuch = face > amount + inputFee(amounts.length, feePpk)
    if (best.net === amount || tooMuch || net + left <= best.net || at === descending.length) return
    const next = descending[at] ?? 0
    look([...part, next], face + of(next), at + 1, left - of(next))
    // Without this one, and without others of its amount: one of them is as good as another.
    const others = descending.findIndex((i, place) => place > at && of(i) !== of(next))
    const beyond = others < 0 ? descending.length : others
    look(part, face, beyond, left - of(next) * (beyond - at))
  }
  look([], 0, 0, total)
  return best.part.sort((a, b) => a - b)
}

/**
 * Which proofs to spend for `need`, such that what they are worth after their own fee covers it: as many as fit
 * without going over, largest first, then the smallest one that covers the rest.
 * @returns undefined when all of them together are not enough
 */
export function selectInputs<P extends { amount: number; feePpk: number }>(
  proofs: P[],
  need: number,
): P[] | undefined {
  const net = (chosen: P[]) =>
    sum(chosen.map(p => p.amount)) - Math.ceil(sum(chosen.map(p => p.feePpk)) / 1000)
  const descending = [...proofs].sort((a, b) => b.amount - a.amount)
  const chosen: P[] = []
  for (const proof of descending) if (net([...chosen, proof]) <= need) chosen.push(proof)
  const rest = descending.filter(proof => !chosen.includes(proof)).reverse()
  while (net(chosen) < need) {
    const covering = rest.findIndex(proof => net([...chosen, proof]) >= need)
    const [next] = rest.splice(covering >= 0 ? covering : rest.length - 1, 1)
    if (!next) return undefined
    chosen.push(next)
  }
  return chosen
}
