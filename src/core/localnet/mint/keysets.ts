import { createNewMintKeys, deserializeMintKeys, serializeMintKeys } from '@cashu/cashu-ts'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex, hexToBytes } from '@noble/hashes/utils.js'
import { curve } from '../../identity/index.ts'
import type { Database } from '../../store/index.ts'
import { CODE, MintError } from './errors.ts'
import type { Input, Output } from './requests.ts'

/** 1, 2, 4, … 2^31 sat. */
const DENOMINATIONS = 32

export type Keyset = {
  id: string
  active: boolean
  feePpk: number
  publicKeys: Record<string, string>
  /** The same, as arithmetic wants them. */
  points: Record<string, Uint8Array>
  privateKeys: Record<string, Uint8Array>
}

export type Signature = { id: string; amount: number; C_: string; dleq: { e: string; s: string } }

type KeysetRow = { id: string; keys: string; fee_ppk: number; active: number }

export type Keysets = ReturnType<typeof openKeysets>

/**
 * The mint's keys (NUT-01, NUT-02, ids of version 1). Another fee than before retires the active keyset: its proofs
 * can still be spent, and new ones are made with the new one.
 */
export function openKeysets(db: Database, feePpk: number) {
  const stored = () =>
    db.prepare<KeysetRow>('select id, keys, fee_ppk, active from keyset order by rowid').all()
  if (!stored().some(row => row.active === 1 && row.fee_ppk === feePpk))
    db.transaction(() => {
      const { keysetId, privKeys } = createNewMintKeys(DENOMINATIONS, undefined, { input_fee_ppk: feePpk })
      db.prepare('update keyset set active = 0').run()
      db.prepare('insert into keyset (id, keys, fee_ppk, active) values (?, ?, ?, 1)').run(
        keysetId,
        JSON.stringify(serializeMintKeys(privKeys)),
        feePpk,
      )
    })

  const all = new Map<string, Keyset>()
  for (const row of stored()) {
    const privateKeys = deserializeMintKeys(JSON.parse(row.keys))
    const points = Object.fromEntries(
      Object.entries(privateKeys).map(([amount, key]) => [amount, curve.multiplyBase(key)]),
    )
    const publicKeys = Object.fromEntries(
      Object.entries(points).map(([amount, point]) => [amount, bytesToHex(curve.compressed(point))]),
    )
    const { id, fee_ppk: feePpk } = row
    all.set(id, { id, active: row.active === 1, feePpk, publicKeys, points, privateKeys })
  }

  const privateKey = (id: string, amount: number): Uint8Array => {
    const keyset = all.get(id)
    if (!keyset) throw new MintError(CODE.keysetUnknown, `keyset ${id} is not known here`)
    const key = keyset.privateKeys[amount]
    if (!key) throw new MintError(CODE.amountOutOfRange, `keyset ${id} has no key for ${amount}`)
    return key
  }

  return {
    list: () => [...all.values()],
    get: (id: string) => all.get(id),
    /** NUT-02: rounded up once for a whole transaction. */
    fee: (inputs: { id: string }[]) =>
      Math.ceil(inputs.reduce((sum, { id }) => sum + (all.get(id)?.feePpk ?? 0), 0) / 1000),

    /**
     * Blind signature (NUT-00) with its DLEQ proof (NUT-12): `C′ = a·B′`; for a nonce k, `e = hash(k·G, k·B′, A, C′)`,
     * `s = k + e·a`. Not in constant time: these keys guard nothing.
     */
    sign(output: Output): Signature {
      const key = privateKey(output.id, output.amount)
      const keyset = all.get(output.id)
      if (!keyset?.active) throw new MintError(CODE.keysetInactive, `keyset ${output.id} is not active`)
      const { Fn } = secp256k1.Point
      const B = readPoint(output.B_)
      const k = curve.randomSecret()
      const A = keyset.points[output.amount] ?? curve.multiplyBase(key)
      const C_ = curve.multiply(B, key)
      const e = curve.hashPoints([curve.multiplyBase(k), curve.multiply(B, k), A, C_])
      const s = Fn.add(Fn.fromBytes(k), Fn.mul(Fn.fromBytes(e), Fn.fromBytes(key)))
      const dleq = { e: bytesToHex(e), s: bytesToHex(Fn.toBytes(s)) }
      return { id: output.id, amount: output.amount, C_: bytesToHex(curve.compressed(C_)), dleq }
    },

    /** Is this proof one that this mint signed? @param y  the point that stands for its secret, in hex */
    verify(proof: Input, y: string): void {
      const key = privateKey(proof.id, proof.amount)
      const C = curve.compressed(curve.multiply(hexToBytes(y), key))
      if (bytesToHex(C) !== proof.C.toLowerCase())
        throw new MintError(CODE.proofInvalid, 'a proof was not signed by this mint')
    },
  }
}

function readPoint(hex: string): Uint8Array {
  const malformed = () => new MintError(CODE.malformed, `${hex} is not a point of the curve`)
  if (!/^0[23][0-9a-f]{64}$/i.test(hex)) throw malformed()
  try {
    return curve.readPoint(hexToBytes(hex))
  } catch {
    throw malformed()
  }
}

/** NUT-00: the name under which a spent proof is remembered. */
export const yOf = (secret: string): string => bytesToHex(curve.hashToCurve(secret))
