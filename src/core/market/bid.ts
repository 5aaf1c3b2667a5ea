import { z } from 'zod'
import { amount, coordinate, duration, hex32, httpUrls, name, pubkey, unixTime, xpub } from './fields.ts'
import { KIND } from './kinds.ts'
import { handshakeKind } from './layers.ts'

const bidContent = z.object({
  job: coordinate,
  /** Id of the job event it answers. */
  version: hex32,
  /** Of the live offer it stands on: event id and device. */
  offer: z.object({ id: hex32, d: name }),
  /** P. */
  key: pubkey,
  /** xpub: the provider's lock key of round r is its child `0/r`. */
  payments: xpub,
  perRound: amount,
  secondsPerRound: duration,
  mints: httpUrls,
  /** The provider agrees to receipts, where the job offers them. */
  receipts: z.boolean().optional(),
  validUntil: unixTime,
})
export type Bid = z.infer<typeof bidContent>

/** Provider → J. Mined (NIP-13) when the job asks for it. */
export const bid = handshakeKind({
  name: 'bid',
  kind: KIND.BID,
  schema: bidContent,
  tags: content => [
    ['a', content.job],
    ['e', content.version],
  ],
})
