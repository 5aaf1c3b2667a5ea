export {
  bytesOf,
  coordinateOf,
  type EventTemplate,
  expirationOf,
  isEphemeral,
  isGenuine,
  MAX_EVENT_BYTES,
  type NostrEvent,
  readEvent,
  replaces,
  sign,
  tagOf,
} from './event.ts'
export { GIFT_WRAP, unwrapSigned, WRAP_SLACK, wrapSigned } from './gift-wrap.ts'
export { parseJson } from './json.ts'
export type { RelayStatus } from './relay.ts'
export {
  createRelays,
  type Relays,
  type RelaysOptions,
  type Subscription,
  type SubscriptionOptions,
} from './relays.ts'
export { openSession, type SessionMessage, sealSession } from './session.ts'
export { type Silence, type SilentRelay, unreachable } from './silence.ts'
export { httpUrl, isHttpUrl, isRelayUrl, relayUrl } from './url.ts'
export { type WireCode, WireError } from './wire-error.ts'
export { MAX_WORK, mine, workOf } from './work.ts'
