/** A refusal as NUT-00 sends it: HTTP 400 with `{ detail, code }`. */
export class MintError extends Error {
  readonly code: number

  constructor(code: number, detail: string) {
    super(detail)
    this.name = 'MintError'
    this.code = code
  }
}

/** The codes of the Cashu specification (error_codes.md) that this mint uses. */
export const CODE = {
  /** nutshell's code for a request it cannot read and for unmet spending conditions. */
  malformed: 10000,
  proofInvalid: 10001,
  conditionsUnmet: 11000,
  alreadySpent: 11001,
  alreadySigned: 11003,
  unbalanced: 11005,
  amountOutOfRange: 11006,
  duplicateInputs: 11007,
  duplicateOutputs: 11008,
  amountless: 11011,
  unitUnsupported: 11013,
  keysetUnknown: 12001,
  keysetInactive: 12002,
  quoteUnpaid: 20001,
  quoteIssued: 20002,
  paymentFailed: 20004,
  invoicePaid: 20006,
  quoteExpired: 20007,
  quoteUnknown: 20009,
} as const
