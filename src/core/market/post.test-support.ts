import { encrypt, getConversationKey } from 'nostr-tools/nip44'
import { generateSecretKey } from 'nostr-tools/pure'
import { seconds } from '../../shared/units.ts'
import { keyPair } from '../identity/index.ts'
import { type NostrEvent, sign } from '../nostr/index.ts'
import { wire } from './wire.ts'

export type KindName = keyof typeof wire
// the keys of an object literal
export const kindNames = Object.keys(wire) as KindName[]

export const sender = keyPair(generateSecretKey())
export const receiver = keyPair(generateSecretKey())
export const AT = seconds(1_800_000_000)
const expiration = seconds(AT + 300)
const conversation = getConversationKey(sender.secret, receiver.pubkey)

/** What a sender gives to the wire: an event of this kind with this content. */
export function post(name: KindName, content: object): NostrEvent {
  const codec = wire[name]
  // Each codec takes its own content; here one is as good as another, its schema will tell.
  const any = content as never
  if (codec.layer === 'public')
    return sign(codec.template(any, { at: AT, d: 'name', expiration }), sender.secret)
  if (codec.layer === 'handshake')
    return sign(codec.template(any, { at: AT, to: receiver.pubkey }), sender.secret)
  return codec.seal(any, { from: sender, to: receiver.pubkey, at: AT, expiration, d: 'name' })
}

/** What the receiver makes of it. Signatures are the relays' business (src/core/nostr), and dear: not checked here. */
export function read(name: KindName, event: NostrEvent): object {
  const codec = wire[name]
  if (codec.layer === 'public') return codec.parse(event)
  if (codec.layer === 'handshake') return codec.parse(event, { to: receiver.pubkey })
  return codec.open(event, { me: receiver, from: sender.pubkey })
}

/** `like` with a content that no honest sender would write: any text, also what no serialiser makes. */
export const forge = (name: KindName, like: NostrEvent, json: string): NostrEvent => ({
  ...like,
  content: wire[name].layer === 'session' ? encrypt(json, conversation) : json,
})
