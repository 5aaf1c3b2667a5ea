import { announcement } from './announcement.ts'
import { answer } from './answer.ts'
import { award } from './award.ts'
import { bid } from './bid.ts'
import { checkpoint } from './checkpoint.ts'
import { job } from './job.ts'
import { leave } from './leave.ts'
import { offer } from './offer.ts'
import { progress } from './progress.ts'
import { receipt } from './receipt.ts'
import { round } from './round.ts'
import { update } from './update.ts'
import { verdict } from './verdict.ts'

/**
 * Every kind of event, by name. Public kinds and handshakes have `template` and `parse`, session kinds `seal` and
 * `open`; all have `kind`, `name`, `layer` and the `schema` of their content.
 */
export const wire = {
  offer,
  job,
  receipt,
  announcement,
  bid,
  award,
  answer,
  round,
  progress,
  update,
  verdict,
  leave,
  checkpoint,
} as const
