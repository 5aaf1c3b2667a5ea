import {
  Amount,
  type Proof as CashuProof,
  CheckStateEnum,
  Keyset,
  Mint,
  type SerializedBlindedSignature,
} from '@cashu/cashu-ts'
import type { Connect } from '../../../shared/http.ts'
import { MintDishonest } from '../mint-errors.ts'
import { toCashu } from './token.ts'
import { guarded, requestOver } from './transport.ts'
import type { KeysetInfo, MeltQuote, MintQuote, Output, Proof, ProofState, Signature } from './types.ts'

const signatureOf = (s: SerializedBlindedSignature): Signature => ({
  id: s.id,
  amount: s.amount.toNumber(),
  C_: s.C_,
  ...(s.dleq ? { dleq: { e: s.dleq.e, s: s.dleq.s } } : {}),
})
const messageOf = ({ id, amount, B_ }: Output) => ({ id, amount: Amount.from(amount), B_ })
const never = Number.MAX_SAFE_INTEGER

/**
 * One mint's endpoints. Each method gives what the mint said, or throws MintRefusal, MintSilent or MintDishonest.
 */
export function mintClient(url: string, connect: Connect, timeoutMs: number) {
  const mint = new Mint(url, { customRequest: requestOver(connect, timeoutMs) })
  const meltOf = (q: Awaited<ReturnType<typeof mint.checkMeltQuoteBolt11>>): MeltQuote => ({
    id: q.quote,
    amount: q.amount.toNumber(),
    reserve: q.fee_reserve.toNumber(),
    state: q.state,
    expiry: q.expiry || never,
    preimage: q.payment_preimage ?? undefined,
    change: (q.change ?? []).map(signatureOf),
  })
  const quoteOf = (q: Awaited<ReturnType<typeof mint.checkMintQuoteBolt11>>): MintQuote => ({
    id: q.quote,
    request: q.request,
    amount: q.amount.toNumber(),
    state: q.state,
    expiry: q.expiry || never,
  })

  return {
    /** The numbers of the NUTs it announces, of those that are announced by `supported`. */
    nuts: () =>
      guarded(async () => {
        const { nuts } = await mint.getInfo()
        return Object.entries(nuts).flatMap(([number, nut]) =>
          nut && 'supported' in nut && nut.supported === true ? [Number(number)] : [],
        )
      }),

    /**
     * Its keysets in sat with their keys, each id verified against its keys: the active ones and those already known, or
     * `all` of them. Retired ones of old mints that cannot be verified are left out: no proof here can be of them.
     */
    keysets: (known: Map<string, KeysetInfo>, all: boolean): Promise<KeysetInfo[]> =>
      guarded(async () => {
        const { keysets } = await mint.getKeySets()
        const infos: KeysetInfo[] = []
        for (const meta of keysets) {
          const before = known.get(meta.id)
          if (meta.unit !== 'sat' || (!meta.active && !before && !all)) continue
          const keys = before?.keys ?? (await mint.getKeys(meta.id)).keysets.find(k => k.id === meta.id)?.keys
          const keyset = Keyset.fromMintApi(meta, { ...meta, keys: keys ?? {} })
          const { id, isActive: active, fee: feePpk, expiry } = keyset
          if (keys && keyset.hasHexId && keyset.verify()) infos.push({ id, active, feePpk, expiry, keys })
          else if (active) throw new MintDishonest(`the id of keyset ${meta.id} does not fit its keys`)
        }
        return infos
      }),

    swap: (inputs: Proof[], outputs: Output[]): Promise<Signature[]> =>
      guarded(async () => {
        const answer = await mint.swap({ inputs: inputs.map(spendable), outputs: outputs.map(messageOf) })
        return answer.signatures.map(signatureOf)
      }),

    createMintQuote: (amount: number) =>
      guarded(async () => quoteOf(await mint.createMintQuoteBolt11({ unit: 'sat', amount }))),
    mintQuote: (id: string) => guarded(async () => quoteOf(await mint.checkMintQuoteBolt11(id))),
    mint: (quote: string, outputs: Output[]): Promise<Signature[]> =>
      guarded(async () => {
        const answer = await mint.mintBolt11({ quote, outputs: outputs.map(messageOf) })
        return answer.signatures.map(signatureOf)
      }),

    createMeltQuote: (request: string) =>
      guarded(async () => meltOf(await mint.createMeltQuoteBolt11({ unit: 'sat', request }))),
    meltQuote: (id: string) => guarded(async () => meltOf(await mint.checkMeltQuoteBolt11(id))),
    melt: (quote: string, inputs: Proof[], blanks: Output[]) =>
      guarded(async () =>
        meltOf(
          await mint.meltBolt11({ quote, inputs: inputs.map(spendable), outputs: blanks.map(messageOf) }),
        ),
      ),

    /** NUT-07, by Y. */
    states: (ys: string[]): Promise<Map<string, ProofState>> =>
      guarded(async () => {
        const states = new Map<string, ProofState>()
        for (let i = 0; i < ys.length; i += 100) {
          const asked = ys.slice(i, i + 100)
          for (const { Y, state } of (await mint.check({ Ys: asked })).states) states.set(Y, state)
        }
        const known: string[] = Object.values(CheckStateEnum)
        for (const y of ys)
          if (!known.includes(states.get(y) ?? ''))
            throw new MintDishonest('it does not say whether a proof is spent')
        return states
      }),

    /** NUT-09: the signatures of those of the outputs that were signed, by B_. */
    restore: (outputs: Output[]): Promise<Map<string, Signature>> =>
      guarded(async () => {
        const found = new Map<string, Signature>()
        for (let i = 0; i < outputs.length; i += 100) {
          const answer = await mint.restore({ outputs: outputs.slice(i, i + 100).map(messageOf) })
          answer.outputs.forEach((output, n) => {
            const signature = answer.signatures[n]
            if (signature) found.set(output.B_, signatureOf(signature))
          })
        }
        return found
      }),
  }
}
export type MintClient = ReturnType<typeof mintClient>

/** The mint needs no DLEQ, and it would tell which blinded message the proof came from. */
const spendable = ({ dleq: _, ...proof }: Proof): CashuProof => toCashu(proof)
