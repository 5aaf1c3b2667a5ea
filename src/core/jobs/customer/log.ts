import type { Sats, Seconds } from '../../../shared/units.ts'
import type { Manifest } from '../../blobs/index.ts'
import type { Figures, Reference } from '../../federation/index.ts'
import type { Answer, Bid, Leave, Update } from '../../market/index.ts'
import type { EffectBase } from '../machine.ts'
import type { Plan, Score, Work } from './state.ts'

/** Signatures that open a lock, one per proof. */
export type Witness = { secret: string; signature: string }

/** What can be in a customer's log. `event` is a wire event's id, `from` the session key that signed it. */
export type CustomerFact =
  | { type: 'planned'; plan: Plan; epoch: number }
  // the wire
  | { type: 'bid'; event: string; provider: string; bid: Bid; known: number }
  | { type: 'answer'; event: string; from: string; answer: Answer }
  | { type: 'heard'; from: string; round: number; step: number; loss: number }
  | { type: 'update'; event: string; from: string; at: Seconds; update: Update }
  | { type: 'leave'; event: string; from: string; leave: Leave }
  | { type: 'superseded'; epoch: number }
  /** On a new machine, from a checkpoint. */
  | { type: 'restored'; epoch: number; out: string; stamp: Seconds }
  /** A process takes the job up again; and, once it has heard what came meanwhile. */
  | { type: 'back' }
  | { type: 'caught-up' }
  // outcomes of effects
  | { type: 'announced'; event: string; relays: string[]; status: string }
  | { type: 'announcement-refused'; reason: string }
  | { type: 'awarded'; key: string; award: string }
  | { type: 'shard-ready'; key: string; manifest: Manifest }
  | { type: 'weights-ready'; round: number; manifest: Manifest }
  | { type: 'locked'; key: string; round: number; amount: Sats; fee: Sats }
  | { type: 'lock-refused'; key: string; round: number; reason: string }
  | {
      type: 'round-sent'
      key: string
      round: number
      times: NonNullable<Work['times']>
      /** Where its token travelled as a blob. */
      token?: Manifest
    }
  /** The round cannot leave any more: too late for its lock, or its event breaks the wire's bounds. */
  | { type: 'lapsed'; key: string; round: number; reason: string }
  /** The award breaks the wire's bounds. */
  | { type: 'award-failed'; key: string; reason: string }
  | { type: 'fetched'; key: string; round: number; path: string }
  | { type: 'fetch-failed'; key: string; round: number; reason: string; blame?: boolean }
  | { type: 'measured'; key: string; round: number; figures: Figures }
  | { type: 'referenced'; key: string; round: number; reference: Reference }
  | { type: 'released'; key: string; round: number; amount: Sats; net: Sats }
  | { type: 'aggregated'; round: number; path: string; score: Score }
  | { type: 'refunded'; key: string; round: number; refunded: Sats; fee: Sats }
  | { type: 'refund-later'; key: string; round: number; notBefore?: Seconds }
  | { type: 'saved'; round: number; keys: string[]; state: Manifest }
  /** The mint does not say yet that all was redeemed. */
  | { type: 'receipt-later'; key: string; notBefore: Seconds }
  | { type: 'receipt-published'; key: string }
  | { type: 'told' }
  | { type: 'exported'; report: unknown }
  /** No waiting mends it: another folder has to be named, or this one freed. */
  | { type: 'export-failed'; reason: string }
  // the person, and time
  /** Another folder for the model. */
  | { type: 'out'; out: string }
  | { type: 'cancel' }
  /** Lasts until the next `back`. */
  | { type: 'pause' }
  | { type: 'tick' }

/** What a customer's job asks for. `key` names an engagement. */
export type CustomerEffect = EffectBase &
  (
    | { type: 'announce'; status: 'open' | 'running' | 'done' | 'cancelled' }
    | { type: 'award'; key: string }
    | { type: 'upload-shard'; key: string }
    | { type: 'upload-weights'; round: number }
    | { type: 'lock'; key: string; round: number }
    | { type: 'send-round'; key: string; round: number }
    | { type: 'fetch'; key: string; round: number }
    | { type: 'measure'; key: string; round: number; others: string[] }
    | { type: 'reference'; key: string; round: number; others: string[] }
    | { type: 'release'; key: string; round: number }
    | { type: 'aggregate'; round: number; keys: string[] }
    | { type: 'refund'; key: string; round: number }
    | { type: 'leave'; key: string }
    | { type: 'receipt'; key: string }
    | { type: 'checkpoint'; round: number; keys: string[] }
    | { type: 'export' }
    | { type: 'clean-up' }
  )
