import { type Seconds, sats, seconds } from '../../../../shared/units.ts'
import { wire } from '../../../market/index.ts'
import { sign } from '../../../nostr/index.ts'
import type { Engagement, Work } from '../state.ts'
import type { ActContext, Acts } from './context.ts'

/** Longest pause before the mint is asked again whether a provider has redeemed, in seconds. */
const longestPause = 600

/** What the customer says in public of an engagement that is over. */
export function vouch({ tools, current, coordinate, lockId, replyRelays }: ActContext): Acts<'receipt'> {
  const { keyring, relays, wallet, now } = tools
  /** Whether the mint says that the provider has all that was released to it. */
  const isRedeemed = (key: string, { round, lock }: Work): boolean =>
    lock.released > 0 && (wallet.lockState(lockId(key, round))?.paid ?? 0) >= lock.released
  /** Until when a redemption is waited for; undefined when there is none to come. */
  const awaited = ({ key, works }: Engagement): Seconds | undefined => {
    const open = works.filter(work => work.lock.released > 0 && !isRedeemed(key, work))
    return open.length === 0 ? undefined : seconds(Math.max(...open.map(({ times }) => times!.redeemBy)))
  }
  return {
    async receipt({ key }) {
      const engagement = current().engagements[key]!
      await wallet.settle()
      const until = awaited(engagement)
      if (until !== undefined && now() < until) {
        const pause = Math.min(2 ** (engagement.receipt!.tries + 1), longestPause)
        return {
          fact: { type: 'receipt-later', key, notBefore: seconds(Math.min(now() + pause, until)) },
        }
      }
      const asked = engagement.works.filter(({ sentAt }) => sentAt !== undefined)
      const paid = asked.filter(work => isRedeemed(key, work))
      const content = {
        job: coordinate,
        award: engagement.award!,
        counterparty: engagement.bid.provider,
        role: 'customer' as const,
        asked: asked.length,
        delivered: asked.filter(({ update }) => update !== undefined).length,
        paid: paid.length,
        redeemed: sats(paid.reduce((sum, { lock }) => sum + (lock.net ?? 0), 0)),
      }
      const event = sign(wire.receipt.template(content, { at: now() }), keyring.identity.secret)
      return {
        fact: { type: 'receipt-published', key },
        commit: () => relays.publish(event, replyRelays()),
      }
    },
  }
}
