import type { Sats, Seconds } from '../../../shared/units.ts'
import type { Manifest } from '../../blobs/index.ts'
import type { Award, Leave, Round, Verdict } from '../../market/index.ts'
import type { EffectBase } from '../machine.ts'
import type { Candidate } from './state.ts'

export type LeaveCode = Leave['code']

export type ProviderFact =
  | { type: 'considered'; candidate: Candidate }
  // the wire
  | { type: 'award'; event: string; award: Award; busy: boolean; misfit?: string }
  | { type: 'round'; event: string; from: string; at: Seconds; round: Round }
  | { type: 'verdict'; event: string; from: string; verdict: Verdict }
  | { type: 'leave'; event: string; from: string; leave: Leave }
  | { type: 'superseded'; epoch: number }
  // outcomes of effects
  | { type: 'bid-sent'; bid: string }
  | { type: 'answered' }
  | { type: 'lock-accepted'; round: number }
  | { type: 'refused'; round: number; code: string; reason: string }
  | { type: 'fetched'; round: number; shard: string }
  | { type: 'trained'; round: number; steps: number; losses: number[]; checkpoints: string[]; path: string }
  | { type: 'uploaded'; round: number; manifest: Manifest }
  | { type: 'update-sent'; round: number }
  | { type: 'redeemed'; round: number; sats: Sats; fee: Sats }
  | { type: 'redeem-refused'; round: number; reason: string }
  | { type: 'left' }
  | { type: 'cleaned' }
  // the person, and time
  | { type: 'stop' }
  | { type: 'tick' }

export type ProviderEffect = EffectBase &
  (
    | { type: 'bid' }
    | { type: 'answer'; accept: boolean; code: string; reason: string }
    | { type: 'check-lock'; round: number }
    | { type: 'fetch'; round: number }
    | { type: 'train'; round: number }
    | { type: 'upload'; round: number }
    | { type: 'send-update'; round: number }
    | { type: 'redeem'; round: number }
    | { type: 'leave'; code: LeaveCode; reason: string }
    | { type: 'give-back'; round: number; code: LeaveCode; reason: string }
    | { type: 'receipt' }
    | { type: 'clean-up' }
  )
