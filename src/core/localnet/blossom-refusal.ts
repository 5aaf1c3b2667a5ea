/** A request that the server does not carry out; the reason goes into `X-Reason` (BUD-01). */
export class Refusal extends Error {
  readonly status: number

  constructor(status: number, reason: string) {
    super(reason)
    this.status = status
  }
}
