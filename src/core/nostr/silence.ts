import { UserError } from '../../shared/errors.ts'

/** A relay that did not answer, and why, for people. */
export interface SilentRelay {
  url: string
  reason: string
}

/** What is not known of a subscription, because relays did not give all they have. */
export interface Silence {
  relays: SilentRelay[]
  /** None of them has answered: that nothing was found says nothing. */
  total: boolean
}

/** For whoever found nothing where nobody answered. */
export function unreachable(relays: readonly SilentRelay[]): UserError {
  const [only] = relays
  const reasons = relays.map(({ url, reason }) => `${url}: ${reason}`).join('; ')
  return new UserError('nostr/unreachable', {
    message:
      only && relays.length === 1
        ? `The relay cannot be reached (${only.reason}).`
        : `None of the ${relays.length} relays can be reached (${reasons}).`,
    where: relays.map(({ url }) => url).join(', '),
    fix: 'Check the address and your network, then run the same command again; or name another relay with --relay.',
  })
}
