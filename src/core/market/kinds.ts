/** Event kinds of Gradstr, version 1 (docs/protocol.md). */
export const KIND = {
  OFFER: 36451,
  JOB: 36450,
  RECEIPT: 3453,
  /** NIP-89. */
  ANNOUNCEMENT: 31990,
  BID: 3450,
  AWARD: 3451,
  ANSWER: 3452,
  ROUND: 3454,
  /** Ephemeral (NIP-01). */
  PROGRESS: 23455,
  UPDATE: 3456,
  VERDICT: 3457,
  LEAVE: 3458,
  CHECKPOINT: 36459,
} as const

export const WIRE_VERSION = '1'

/** Live networks keep at least a day between `redeem` and the lock's end (docs/protocol.md, times). */
export const LIVE_LOCK_MARGIN = 24 * 3600
