import { type NostrEvent, tagOf, WireError } from '../nostr/index.ts'
import { WIRE_VERSION } from './kinds.ts'

export const VERSION_TAG: readonly string[] = ['v', WIRE_VERSION]

/** @throws WireError `wire/kind`, `wire/version` */
export function checkKind(name: string, event: NostrEvent, kind: number): void {
  if (event.kind !== kind)
    throw new WireError('wire/kind', 'kind', `Kind ${event.kind} is no ${name} (${kind}).`)
  const versions = event.tags.filter(tag => tag[0] === 'v').map(tag => tag[1])
  if (versions.length !== 1 || versions[0] !== WIRE_VERSION)
    throw new WireError(
      'wire/version',
      'tags.v',
      `This ${name} is of version "${(versions[0] ?? 'none').slice(0, 20)}"; this Gradstr speaks version ${WIRE_VERSION}.`,
    )
}

/**
 * Tags repeat what the content says, so that relays can find an event. They must agree: an event found as one
 * thing must not turn out to be another.
 * @throws WireError `wire/tag`
 */
export function checkTags(name: string, event: NostrEvent, expected: string[][]): void {
  for (const [tag, value] of expected) {
    const values = event.tags.filter(t => t[0] === tag).map(t => t[1])
    if (values.length !== 1 || values[0] !== value)
      throw new WireError(
        'wire/tag',
        `tags.${tag}`,
        `The "${tag}" tag of this ${name} does not say what its content says.`,
      )
  }
}

/** @throws WireError `wire/tag` unless there is exactly one `d` of 1 to 64 characters `A-Z a-z 0-9 _ -` */
export function checkName(name: string, event: NostrEvent): void {
  const values = event.tags.filter(tag => tag[0] === 'd').map(tag => tag[1] ?? '')
  if (values.length !== 1 || !/^[A-Za-z0-9_-]{1,64}$/.test(values[0] ?? ''))
    throw new WireError('wire/tag', 'tags.d', `This ${name} has no proper name in its "d" tag.`)
}

/** @throws WireError `wire/tag` unless a NIP-40 expiration lies after `created_at`, by at most `longest` seconds */
export function checkExpiration(name: string, event: NostrEvent, longest: number): void {
  const values = event.tags.filter(tag => tag[0] === 'expiration')
  const life =
    Number(/^\d{1,12}$/.test(tagOf(event, 'expiration') ?? '') ? tagOf(event, 'expiration') : 'NaN') -
    event.created_at
  if (values.length !== 1 || !(life > 0 && life <= longest))
    throw new WireError(
      'wire/tag',
      'tags.expiration',
      `This ${name} does not expire within ${longest} seconds of its making.`,
    )
}
