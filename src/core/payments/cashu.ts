import {
  Amount,
  type Proof as CashuProof,
  CheckStateEnum,
  getDecodedToken,
  getEncodedToken,
  getTokenMetadata,
  HttpResponseError,
  hash_e,
  hashToCurve,
  isMintOperationError,
  JSONInt,
  Keyset,
  Mint,
  MintOperationError,
  NetworkError,
  normalizeMintUrl,
  OutputData,
  type OutputDataLike,
  P2PKBuilder,
  parseSecret,
  pointFromHex,
  type RequestFn,
  type SerializedBlindedSignature,
  schnorrSignMessage,
  schnorrVerifyMessage,
} from '@cashu/cashu-ts'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js'
import { MintDishonest, MintRefusal, MintSilent } from './mint-errors.ts'
import type { LockTerms } from './types.ts'

/** The one place that knows cashu-ts. Here amounts are plain numbers of sats and everything is JSON. */

/** NUT-00, with the DLEQ proof of NUT-12 and the witness of NUT-11. */
export type Proof = {
  id: string
  amount: number
  secret: string
  C: string
  dleq?: { e: string; s: string; r: string }
  witness?: string
}

/** A blinded message with what is needed to unblind the mint's answer, so that it can be stored before it leaves. */
export type Output = { id: string; amount: number; B_: string; secret: string; r: string }

export type Signature = { id: string; amount: number; C_: string; dleq?: { e: string; s: string } }

export type KeysetInfo = {
  id: string
  active: boolean
  feePpk: number
  expiry: number | undefined
  /** Public keys by amount. */
  keys: Record<string, string>
}

export type ProofState = 'UNSPENT' | 'PENDING' | 'SPENT'

// --- Secrets, blinding, signatures -----------------------------------------------------------------------------

const outputOf = (data: OutputDataLike): Output => ({
  id: data.blindedMessage.id,
  amount: data.blindedMessage.amount.toNumber(),
  B_: data.blindedMessage.B_,
  secret: new TextDecoder().decode(data.secret),
  r: data.blindingFactor.toString(16).padStart(64, '0'),
})

/** NUT-13. */
export const derivedOutput = (seed: Uint8Array, keyset: string, counter: number, amount: number): Output =>
  outputOf(OutputData.createSingleDeterministicData(amount, seed, counter, keyset))

/** NUT-11: 2 of 2 until the locktime, the refund key after it, SIG_INPUTS. Its secret is random. */
export function lockedOutput(terms: LockTerms, keyset: string, amount: number): Output {
  const options = new P2PKBuilder()
    .addLockPubkey([terms.provider, terms.customer])
    .requireLockSignatures(2)
    .addRefundPubkey(terms.refund)
    .lockUntil(terms.locktime)
    .toOptions()
  return outputOf(OutputData.createSingleP2PKData(options, amount, keyset))
}

/**
 * The proof in a mint's answer.
 * @throws MintDishonest when the signature is for another amount or key, or its DLEQ proof is missing or wrong
 */
export function unblind(output: Output, signature: Signature, keyset: KeysetInfo): Proof {
  if (signature.id !== output.id || signature.amount !== output.amount)
    throw new MintDishonest(
      `it signed ${signature.amount} sat of ${signature.id}, not ${output.amount} of ${output.id}`,
    )
  const key = keyset.keys[String(output.amount)]
  if (!key) throw new MintDishonest(`keyset ${keyset.id} has no key for ${output.amount}`)
  const { dleq } = signature
  if (!dleq) throw new MintDishonest('a signature came without its DLEQ proof (NUT-12)')
  try {
    const [A, B, C] = [pointFromHex(key), pointFromHex(output.B_), pointFromHex(signature.C_)]
    if (!verifyDleq(dleq, A, B, C))
      throw new MintDishonest('a DLEQ proof is wrong: the signature is not by its key')
    const r = BigInt(`0x${output.r}`)
    return {
      id: output.id,
      amount: output.amount,
      secret: output.secret,
      // Not in constant time: nothing is sent after this, so the mint has nothing to measure.
      C: C.subtract(A.multiplyUnsafe(r)).toHex(true),
      dleq: { e: dleq.e, s: dleq.s, r: output.r },
    }
  } catch (error) {
    throw error instanceof MintDishonest ? error : new MintDishonest('a signature is not readable', error)
  }
}

type Point = ReturnType<typeof pointFromHex>

/**
 * NUT-12: `e = hash(s·G − e·A, s·B′ − e·C′, A, C′)`. cashu-ts's own check multiplies in constant time; every number here
 * is public, and this is three times as fast.
 */
function verifyDleq(dleq: { e: string; s: string }, A: Point, B: Point, C: Point): boolean {
  const { Fn, BASE } = secp256k1.Point
  const [e, s] = [Fn.fromBytes(hexToBytes(dleq.e)), Fn.fromBytes(hexToBytes(dleq.s))]
  const minusE = Fn.neg(e)
  const hash = hash_e([BASE.mulAddUnsafe(s, A, minusE), B.mulAddUnsafe(s, C, minusE), A, C])
  return bytesToHex(hash) === dleq.e
}

/** NUT-12, for a proof that came from someone else: signed by the mint's key, without asking the mint. */
export function hasValidDleq(proof: Proof, keyset: KeysetInfo): boolean {
  const key = keyset.keys[String(proof.amount)]
  if (!key || !proof.dleq) return false
  try {
    const A = pointFromHex(key)
    const r = secp256k1.Point.Fn.fromBytes(hexToBytes(proof.dleq.r))
    const B = hashToCurve(utf8ToBytes(proof.secret)).add(secp256k1.Point.BASE.multiplyUnsafe(r))
    const C = pointFromHex(proof.C).add(A.multiplyUnsafe(r))
    return verifyDleq(proof.dleq, A, B, C)
  } catch {
    return false
  }
}

/** The name by which a mint knows a proof (NUT-07). */
export const yOf = (secret: string): string => hashToCurve(utf8ToBytes(secret)).toHex(true)

/**
 * NUT-11, SIG_INPUTS: the signature is over the secret alone. signP2PKProofs of cashu-ts is not used: it silently signs
 * nothing when this machine's clock says that the path is not open.
 */
export const signSecret = (secret: string, key: Uint8Array): string => schnorrSignMessage(secret, key)
export const isSignedBy = (secret: string, signature: string, pubkey: string): boolean =>
  schnorrVerifyMessage(signature, secret, pubkey)
export const witnessOf = (signatures: string[]): string => JSON.stringify({ signatures })
export const pubkeyOf = (key: Uint8Array): string => bytesToHex(secp256k1.getPublicKey(key, true))

/** NUT-10's kind, data and tags of a secret, or undefined when it is a plain one. */
export function readSecret(secret: string): { kind: string; data: string; tags: string[][] } | undefined {
  try {
    const [kind, { data, tags }] = parseSecret(secret)
    return { kind, data, tags: tags ?? [] }
  } catch {
    return undefined
  }
}

// --- Tokens ----------------------------------------------------------------------------------------------------

const toCashu = (proof: Proof): CashuProof => ({ ...proof, amount: Amount.from(proof.amount) })
const fromCashu = ({ id, amount, secret, C, dleq }: CashuProof): Proof => ({
  id,
  amount: amount.toNumber(),
  secret,
  C,
  ...(dleq?.r === undefined ? {} : { dleq: { e: dleq.e, s: dleq.s, r: dleq.r } }),
})

/** NUT-00, `cashuB…`. */
export const encodeToken = (mint: string, proofs: Proof[]): string =>
  getEncodedToken({ mint, proofs: proofs.map(toCashu), unit: 'sat' })

/** Which mint and unit a token is of, before anything else of it is believed. @throws on what is no token */
export function tokenMint(token: string): { mint: string; unit: string } {
  const { mint, unit } = getTokenMetadata(token)
  return { mint: normalizeMintUrl(mint), unit }
}

/** @throws on what is no token, and when it names a keyset that is not among `keysets` */
export function decodeToken(token: string, keysets: string[]): { proofs: Proof[]; blindedKeys: boolean } {
  const { proofs } = getDecodedToken(token, keysets)
  return { proofs: proofs.map(fromCashu), blindedKeys: proofs.some(p => p.p2pk_e !== undefined) }
}

export const mintUrl = (url: string): string => normalizeMintUrl(url)

// --- The mint over HTTP ----------------------------------------------------------------------------------------

export type MintQuote = {
  id: string
  request: string
  amount: number
  state: 'UNPAID' | 'PAID' | 'ISSUED'
  expiry: number
}
export type MeltQuote = {
  id: string
  amount: number
  reserve: number
  state: 'UNPAID' | 'PENDING' | 'PAID'
  expiry: number
  preimage: string | undefined
  change: Signature[]
}

/** A payment over Lightning may take more than a minute. */
const MELT_TIMEOUTS = 4.5
const MAX_ANSWER = 8 * 1024 * 1024

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
export function mintClient(url: string, fetch: typeof globalThis.fetch, timeoutMs: number) {
  const mint = new Mint(url, { customRequest: requestOver(fetch, timeoutMs) })
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

async function guarded<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof MintDishonest) throw error
    if (isMintOperationError(error)) throw new MintRefusal(error.code, error.message)
    if (error instanceof NetworkError) throw new MintSilent(error.message, error)
    if (error instanceof HttpResponseError) {
      const { status } = error
      const refused = status >= 400 && status < 500 && status !== 408 && status !== 429
      throw refused
        ? new MintRefusal(0, `HTTP ${status}: ${error.message}`)
        : new MintSilent(`HTTP ${status}`, error)
    }
    throw new MintDishonest('its answer is not understood', error)
  }
}

/**
 * cashu-ts's transport, over the fetch that was passed in: with a time limit that covers the body, a bound on its size,
 * no redirects (a mint's address was chosen by the user), and one more try when a kept connection turns out dead. Every
 * request may be repeated: the mint refuses a second spend, and its first answer is found by NUT-09.
 */
function requestOver(fetch: typeof globalThis.fetch, timeoutMs: number): RequestFn {
  return async <T>({ endpoint, method, requestBody }: Parameters<RequestFn>[0]): Promise<T> => {
    const isMelt = method === 'POST' && endpoint.endsWith('/melt/bolt11')
    const send = () =>
      fetch(endpoint, {
        method: method ?? 'GET',
        redirect: 'error',
        headers: {
          accept: 'application/json',
          ...(requestBody ? { 'content-type': 'application/json' } : {}),
        },
        ...(requestBody ? { body: JSONInt.stringify(requestBody) ?? '' } : {}),
        signal: AbortSignal.timeout(isMelt ? timeoutMs * MELT_TIMEOUTS : timeoutMs),
      })
    let status: number
    let text: string
    try {
      const response = await send().catch(error => {
        if (error instanceof Error && error.name === 'TimeoutError') throw error
        return send()
      })
      status = response.status
      text = await boundedText(response)
    } catch (error) {
      throw new NetworkError(reasonOf(error), { cause: error })
    }
    let body: unknown
    try {
      body = JSON.parse(text)
    } catch {
      throw new HttpResponseError('not JSON', status === 200 ? 502 : status)
    }
    if (status >= 200 && status < 300) return body as T // each caller checks the shape it asked for
    const { code, detail } = (typeof body === 'object' && body !== null ? body : {}) as {
      code?: unknown
      detail?: unknown
    } // checked next
    if (status === 400 && typeof code === 'number') throw new MintOperationError(code, String(detail ?? ''))
    throw new HttpResponseError(typeof detail === 'string' ? detail : 'no detail', status)
  }
}

async function boundedText(response: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    size += chunk.length
    if (size > MAX_ANSWER) throw new Error(`its answer is larger than ${MAX_ANSWER} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { cause } = error
  return cause instanceof Error && cause.message ? `${error.message} (${cause.message})` : error.message
}
