import { type Filter, matchFilter } from 'nostr-tools/filter'
import type { Seconds } from '../../shared/units.ts'
import { expirationOf, isGenuine, type NostrEvent, shapeOf } from './event.ts'
import type { Windows } from './windows.ts'

/** What became of an event that a relay sent; `offence`: it is no event, forged, or not what was asked for. */
type Taken = 'new' | 'known' | 'expired' | 'failed' | 'offence'

export interface Intake {
  name: string
  filter: Filter
  handler: (event: NostrEvent) => void
}

/**
 * Takes one event from one relay into a subscription. Nothing is remembered of an event before its signature
 * was checked: a forgery with a real event's id must not hide the real one. Whoever repeats the id of an event that
 * *was* checked brings nothing new, whatever else it holds.
 * @param raw  freshly parsed JSON
 */
export function take(
  intake: Intake,
  raw: unknown,
  windows: Windows,
  now: () => Seconds,
  report: (message: string) => void,
): Taken {
  const event = shapeOf(raw)
  if (!event || !matchFilter(intake.filter, event)) return 'offence'
  if (windows.hasSeen(intake.name, event.id)) return 'known'
  if (!isGenuine(event)) return 'offence'
  const expires = expirationOf(event)
  if (expires !== undefined && expires <= now()) return 'expired'
  try {
    windows.once(intake.name, event, () => intake.handler(event))
    return 'new'
  } catch (error) {
    report(`Handling event ${event.id} failed: ${error instanceof Error ? error.message : String(error)}`)
    return 'failed'
  }
}
