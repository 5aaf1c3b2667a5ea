declare const unit: unique symbol
type Branded<T, U extends string> = T & { readonly [unit]: U }

/** Whole satoshis, the mint's unit. Millisatoshis exist only at the edge to Lightning. */
export type Sats = Branded<number, 'sats'>
/** Unix time or a duration in whole seconds; the field's name says which. */
export type Seconds = Branded<number, 'seconds'>
export type Bytes = Branded<number, 'bytes'>
/** Floating-point operations (a multiply-add counts as two). */
export type Flops = Branded<number, 'flops'>

/** @throws RangeError unless `n` is a whole, non-negative, safe number */
export function sats(n: number): Sats {
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`not an amount of sats: ${n}`)
  return n as Sats
}
export const seconds = (n: number): Seconds => n as Seconds
export const bytes = (n: number): Bytes => n as Bytes
export const flops = (n: number): Flops => n as Flops
