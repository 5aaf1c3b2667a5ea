import { z } from 'zod'
import { amount, fraction, httpUrls, line, positive, relayUrls, size } from './fields.ts'
import { KIND } from './kinds.ts'
import { publicKind } from './layers.ts'

/** An offer that is not renewed within this is a dead provider. */
export const OFFER_LIFE = 600

const offerContent = z.object({
  /** What it runs on, in the provider's words. */
  device: line(100, 1),
  /** Measured, not claimed by a data sheet: floating-point operations per second of the practice model. */
  engines: z
    .array(z.object({ name: line(40, 1), flopsPerSecond: positive(1e18) }))
    .min(1)
    .max(8),
  /** Free for training. */
  memory: size,
  /** `perPflop`: for 10^15 operations. `minimum`: for any round, however small. */
  price: z.object({ perPflop: amount, minimum: amount }),
  /** Most it downloads before it was ever paid. */
  maxDownload: size,
  /** A stranger's first round: this part of the steps and of the price. */
  strangers: z.object({ fraction }),
  mints: httpUrls,
  blossoms: httpUrls,
  relays: relayUrls,
})
export type Offer = z.infer<typeof offerContent>

/** `d`: the device. Signed by the provider's identity. */
export const offer = publicKind({
  name: 'offer',
  kind: KIND.OFFER,
  schema: offerContent,
  addressable: true,
  longest: OFFER_LIFE,
})
