import { UserError } from '../../../../shared/errors.ts'
import { sats, seconds } from '../../../../shared/units.ts'
import { asLine, wire } from '../../../market/index.ts'
import type { ActContext, Acts } from './context.ts'

/** What makes a lock impossible for good: an empty wallet, the job's cap or a limit. A mint that is away is waited for. */
const refusals = new Set([
  'payments/not-enough',
  'payments/cap',
  'payments/limit-job',
  'payments/limit-round',
  'payments/limit-day',
  'payments/fees-too-high',
])

/** A round's money: locked before it, released or taken back after it. Each is idempotent by the lock's id. */
export function pay(context: ActContext): Acts<'lock' | 'release' | 'refund'> {
  const { tools, payments, part, lockId, send, to } = context
  const { wallet, acquaintances, now } = tools
  return {
    async lock({ key, round }) {
      const { engagement, work } = part(key, round)
      try {
        const { amount, fee } = await wallet.lock(context.lockRequest(engagement, work))
        return { fact: { type: 'locked', key, round, amount, fee } }
      } catch (error) {
        if (!(error instanceof UserError) || !refusals.has(error.code)) throw error
        return { fact: { type: 'lock-refused', key, round, reason: `${error.message} ${error.fix}` } }
      }
    },

    async release({ key, round }) {
      const { engagement, work } = part(key, round)
      const verdict = work.verdict!
      const { witnesses, amount, net } =
        verdict.sats === 0
          ? { witnesses: [], amount: sats(0), net: sats(0) }
          : wallet.release({
              id: lockId(key, round),
              amount: verdict.sats,
              secret: payments(key).key(0, round).secret,
            })
      const event = wire.verdict.seal(
        {
          award: engagement.award!,
          round,
          paid: net === 0 ? 'none' : verdict.paid,
          sats: net,
          used: verdict.used,
          figures: finiteOnly(verdict.figures),
          reason: asLine(verdict.reason),
          witnesses,
          parent: work.update!.event,
        },
        to(engagement),
      )
      return {
        fact: { type: 'released', key, round, amount, net },
        commit: () => {
          send(event)
          const { provider } = engagement.bid
          if (verdict.paid === 'full') acquaintances.paid(provider, 'provider')
          else if (!verdict.blameless) acquaintances.rejected(provider, 'provider')
        },
      }
    },

    async refund({ key, round }) {
      const { work } = part(key, round)
      const keys = payments(key)
      const answer = await wallet.refund({
        id: lockId(key, round),
        keys: { customer: keys.key(0, round).secret, refund: keys.key(1, round).secret },
        ...(work.givenBack ? { witnesses: work.givenBack } : {}),
      })
      if ('notBefore' in answer) {
        const notBefore = seconds(Math.max(answer.notBefore, now() + 1))
        return { fact: { type: 'refund-later', key, round, notBefore } }
      }
      return { fact: { type: 'refunded', key, round, refunded: answer.refunded, fee: answer.fee } }
    },
  }
}

const finiteOnly = (figures: Record<string, number>): Record<string, number> =>
  Object.fromEntries(Object.entries(figures).filter(([, value]) => Number.isFinite(value)))
