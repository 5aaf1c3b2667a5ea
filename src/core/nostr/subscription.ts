import { type Seconds, seconds } from '../../shared/units.ts'
import type { Relay } from './relay.ts'
import type { Subscription, SubscriptionOptions } from './relays.ts'
import type { Windows } from './windows.ts'

/** Marks are kept this much longer than any relay is asked for their events. */
const KEEP = 24 * 3600

/** One subscription over several relays: each has its own window, all share the marks of what was handled. */
export function subscribeAt(
  relays: Relay[],
  slack: Seconds,
  options: SubscriptionOptions,
  windows: Windows,
): Subscription {
  const { name, filter, handler } = options
  if (options.fresh) windows.forget(name)
  const starts = relays.map(relay => windows.since(name, relay.url, filter, slack) ?? 0)
  const earliest = Math.min(...starts)
  if (earliest > KEEP) windows.prune(name, seconds(earliest - KEEP))

  const open = relays.map(relay => {
    let settled = () => {}
    const done = new Promise<void>(resolve => {
      settled = resolve
    })
    return { relay, done, sync: relay.subscribe({ name, filter, handler, slack, settled }) }
  })
  return {
    synced: Promise.all(open.map(({ done }) => done)).then(() => {}),
    silence() {
      const silent = open.filter(({ sync }) => !sync.answered)
      return {
        relays: silent.map(({ relay }) => ({ url: relay.url, reason: relay.status().detail ?? 'no answer' })),
        total: silent.length === open.length,
      }
    },
    close() {
      for (const { relay, sync } of open) relay.unsubscribe(sync)
    },
  }
}
