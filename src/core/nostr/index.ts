export {
  bytesOf,
  coordinateOf,
  type EventTemplate,
  expirationOf,
  isEphemeral,
  isGenuine,
  isHex32,
  MAX_EVENT_BYTES,
  type NostrEvent,
  publicKeyOf,
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
export { MAX_SESSION_BYTES, openSession, type SessionMessage, sealSession } from './session.ts'
export { httpUrl, isHttpUrl, isRelayUrl, relayUrl } from './url.ts'
export { type WireCode, WireError } from './wire-error.ts'
export { MAX_WORK, mine, workOf } from './work.ts'
