import { UserError } from '../../shared/errors.ts'

/** The mint understood and said no (NUT-00 error codes); nothing was taken. */
export class MintRefusal extends Error {
  readonly code: number

  constructor(code: number, detail: string) {
    super(detail)
    this.name = 'MintRefusal'
    this.code = code
  }
}

/** No answer that says what happened: the request may or may not have been carried out. */
export class MintSilent extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'MintSilent'
  }
}

/** An answer that an honest mint does not give. */
export class MintDishonest extends Error {
  constructor(message: string, cause?: unknown) {
    super(message, { cause })
    this.name = 'MintDishonest'
  }
}

/** error_codes.md of the NUTs. */
export const REFUSED = {
  alreadySpent: 11001,
  pending: 11002,
  alreadySigned: 11003,
  keysetUnknown: 12001,
  keysetInactive: 12002,
  quoteUnpaid: 20001,
  quoteIssued: 20002,
} as const

/** What a person reads of a mint's misfortune. */
export function forPeople(error: unknown, mint: string): UserError {
  if (error instanceof UserError) return error
  const cause = error instanceof Error ? error.message : String(error)
  if (error instanceof MintRefusal)
    return new UserError('payments/mint-refused', {
      message: `The mint refused: ${cause} (code ${error.code}).`,
      fix: 'Nothing was taken. Try again; if it stays so, use another mint.',
      where: mint,
    })
  if (error instanceof MintDishonest)
    return new UserError('payments/mint-dishonest', {
      message: `The mint gave a wrong answer: ${cause}.`,
      fix: 'Move your sats to another mint.',
      where: mint,
    })
  if (error instanceof MintSilent)
    return new UserError('payments/mint-unreachable', {
      message: `The mint does not answer: ${cause}.`,
      fix: 'Nothing is lost; what was begun goes on by itself when the mint is back.',
      where: mint,
    })
  throw error
}
