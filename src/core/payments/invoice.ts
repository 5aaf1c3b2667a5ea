import { decode } from 'light-bolt11-decoder'
import { UserError } from '../../shared/errors.ts'

/**
 * The amount a BOLT-11 invoice asks for, in whole sats, rounded up.
 * @throws UserError `payments/invoice` for what is no invoice or names no amount
 */
export function invoiceAmount(invoice: string): number {
  const unreadable = (message: string, cause?: unknown) =>
    new UserError('payments/invoice', {
      message: `"${invoice.slice(0, 24)}…" ${message}.`,
      fix: 'Give a Lightning invoice with an amount (lnbc…, on the practice network lnbcrt…).',
      cause,
    })
  if (invoice.length > 4096) throw unreadable('is too long for an invoice')
  let amount: string | undefined
  try {
    for (const section of decode(invoice).sections) if (section.name === 'amount') amount = section.value
  } catch (error) {
    throw unreadable('is not a Lightning invoice', error)
  }
  const sats = Math.ceil(Number(amount) / 1000)
  if (!Number.isSafeInteger(sats) || sats <= 0) throw unreadable('names no amount')
  return sats
}
