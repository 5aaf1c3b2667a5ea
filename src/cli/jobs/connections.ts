import type { Relays, SilentRelay } from '../../core/nostr/index.ts'
import type { Call } from '../cli.ts'

/** Tells which relays a command goes on without. */
export const tellSilent = ({ report }: Pick<Call, 'report'>, silent: readonly SilentRelay[]): void =>
  report.note(...silent.map(({ url, reason }) => `${url} does not answer (${reason}): going on without it.`))

/** How often the connections are looked at, in milliseconds: what is lost and back in between is not told. */
const everyMs = 500

/**
 * Tells of each relay when it is listened to and when it cannot be reached, at every change. Nothing is said of one that
 * is still being connected to.
 */
export function tellConnections(
  { report }: Pick<Call, 'report'>,
  relays: Pick<Relays, 'status'>,
  urls: readonly string[],
): { close(): void } {
  const told = new Map<string, 'open' | 'away'>()
  const look = (): void => {
    for (const { url, state, detail } of relays.status()) {
      const now = state === 'connecting' ? undefined : state === 'open' ? 'open' : 'away'
      if (!urls.includes(url) || now === undefined || told.get(url) === now) continue
      told.set(url, now)
      report.say(
        now === 'open'
          ? `Listening for jobs on ${url}.`
          : `Not connected to ${url} (${detail ?? 'no answer'}); trying again.`,
      )
    }
  }
  const looking = setInterval(look, everyMs)
  look()
  return { close: () => clearInterval(looking) }
}
