import { type NostrEvent, WireError } from '../nostr/index.ts'
import type { Tools } from './tools.ts'

/** What a stranger sent and this job refuses is logged and done with; anything else thrown means: give it to me again. */
export function heed(tools: Tools, event: NostrEvent, handle: (event: NostrEvent) => void): void {
  try {
    handle(event)
  } catch (error) {
    if (!(error instanceof WireError)) throw error
    tools.log(`refused event ${event.id} of kind ${event.kind}: ${error.message}`)
  }
}
