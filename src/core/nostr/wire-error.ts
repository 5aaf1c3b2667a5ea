import { UserError } from '../../shared/errors.ts'

/** Why something a stranger sent was refused. */
export type WireCode =
  | 'wire/json' // not JSON, or nested too deep
  | 'wire/size' // larger than the wire allows
  | 'wire/event' // not a Nostr event, or its id or signature is wrong
  | 'wire/kind'
  | 'wire/version'
  | 'wire/tag' // a tag is missing, repeated, malformed, or contradicts the content
  | 'wire/content' // a field is missing, of the wrong type or out of bounds
  | 'wire/sealed' // cannot be decrypted with this key
  | 'wire/author' // signed by someone else than it must be
  | 'wire/recipient' // meant for someone else

/**
 * A refusal of what came over the wire. Nothing else is thrown for hostile input.
 * `field` is the path of what is wrong, as in `rounds.3.price` or `tags.p`; empty for the whole.
 */
export class WireError extends UserError {
  declare readonly code: WireCode
  readonly field: string

  constructor(code: WireCode, field: string, message: string, cause?: unknown) {
    super(code, {
      message,
      fix: 'Nothing was done with it. If it comes from someone you deal with, one of the two sides should update Gradstr.',
      where: field,
      cause,
    })
    this.name = 'WireError'
    this.field = field
  }
}
