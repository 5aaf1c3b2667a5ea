import {
  getP2PKWitnessSignatures,
  isP2PKSpendAuthorised,
  normalizeProofAmounts,
  parseP2PKSecret,
  parseSecret,
} from '@cashu/cashu-ts'
import { hexToBytes } from '@noble/hashes/utils.js'
import { curve } from '../../identity/index.ts'
import type { Database } from '../../store/index.ts'
import { CODE, MintError } from './errors.ts'
import { type Keysets, type Signature, yOf } from './keysets.ts'
import type { Input, Output } from './requests.ts'

const sum = (items: { amount: number }[]) => items.reduce((total, { amount }) => total + amount, 0)

type Spend = { y: string; input: Input }

/**
 * Inputs in, outputs signed. Everything is checked and signed first and then written in one transaction, whose unique
 * keys on spent proofs and signed outputs decide between two requests that race.
 */
export function createTransactions(db: Database, keysets: Keysets) {
  const spentRow = db.prepare('select y from spent where y = ?')

  /** @throws MintError unless every input is ours, unspent, and may be spent with its witness (NUT-10, NUT-11) */
  function checkInputs(inputs: Input[]): Spend[] {
    const spends = inputs.map(input => ({ y: yOf(input.secret), input }))
    if (new Set(spends.map(s => s.y)).size < spends.length)
      throw new MintError(CODE.duplicateInputs, 'an input is given twice')
    for (const { y } of spends)
      if (spentRow.get(y)) throw new MintError(CODE.alreadySpent, 'Token already spent.')
    for (const { y, input } of spends) {
      keysets.verify(input, y)
      checkConditions(input)
    }
    return spends
  }

  function checkOutputs(outputs: { B_: string }[]): void {
    if (new Set(outputs.map(o => o.B_)).size < outputs.length)
      throw new MintError(CODE.duplicateOutputs, 'an output is given twice')
  }

  function write(spends: Spend[], signed: { B_: string; signature: Signature }[], by: string): void {
    for (const { y, input } of spends) {
      if (spentRow.get(y)) throw new MintError(CODE.alreadySpent, 'Token already spent.')
      db.prepare('insert into spent (y, amount, keyset, witness, spent_by) values (?, ?, ?, ?, ?)').run(
        y,
        input.amount,
        input.id,
        input.witness ?? null,
        by,
      )
    }
    for (const { B_, signature } of signed) {
      if (db.prepare('select b from signature where b = ?').get(B_))
        throw new MintError(CODE.alreadySigned, 'outputs have already been signed before.')
      db.prepare('insert into signature (b, keyset, amount, c, e, s) values (?, ?, ?, ?, ?, ?)').run(
        B_,
        signature.id,
        signature.amount,
        signature.C_,
        signature.dleq.e,
        signature.dleq.s,
      )
    }
  }

  const sign = (outputs: Output[]) =>
    outputs.map(output => ({ B_: output.B_, signature: keysets.sign(output) }))

  return {
    checkInputs,
    checkOutputs,
    sign,
    write,

    /** NUT-03. */
    swap(inputs: Input[], outputs: Output[]): Signature[] {
      checkOutputs(outputs)
      const spends = checkInputs(inputs)
      const fee = keysets.fee(inputs)
      if (sum(inputs) !== sum(outputs) + fee)
        throw new MintError(
          CODE.unbalanced,
          `inputs (${sum(inputs)}) are not outputs (${sum(outputs)}) and fee (${fee})`,
        )
      const signed = sign(outputs)
      db.transaction(() => write(spends, signed, 'swap'))
      return signed.map(s => s.signature)
    },

    /** NUT-07. */
    states: (ys: string[]) =>
      ys.map(y => {
        const row = db.prepare<{ witness: string | null }>('select witness from spent where y = ?').get(y)
        return { Y: y, state: row ? 'SPENT' : 'UNSPENT', witness: row?.witness ?? null }
      }),

    /** NUT-09: the outputs that were signed, and their signatures, in the order asked. */
    restore(outputs: { B_: string }[]) {
      const found = outputs.flatMap(({ B_ }) => {
        const row = db
          .prepare<{ keyset: string; amount: number; c: string; e: string; s: string }>(
            'select keyset, amount, c, e, s from signature where b = ?',
          )
          .get(B_)
        return row ? [{ B_, row }] : []
      })
      return {
        outputs: found.map(({ B_, row }) => ({ id: row.keyset, amount: row.amount, B_ })),
        signatures: found.map(({ row }) => ({
          id: row.keyset,
          amount: row.amount,
          C_: row.c,
          dleq: { e: row.e, s: row.s },
        })),
      }
    },
  }
}

/** NUT-10: a secret that is no well-known one is a plain one, and the witness of a plain one is ignored. */
function checkConditions(input: Input): void {
  let kind: string
  let tags: string[][]
  try {
    const [name, data] = parseSecret(input.secret)
    kind = name
    tags = data.tags ?? []
  } catch {
    return
  }
  if (kind !== 'P2PK') return
  const refused = (why: string) =>
    new MintError(CODE.conditionsUnmet, `Witness is missing or not sufficient: ${why}`)
  if (tags.some(tag => tag[0] === 'sigflag' && tag[1] !== 'SIG_INPUTS'))
    throw refused('only SIG_INPUTS is supported')
  const { witness, ...rest } = input
  const [proof] = normalizeProofAmounts([{ ...rest, ...(witness === undefined ? {} : { witness }) }])
  let authorised = false
  try {
    authorised = proof !== undefined && (isSignedByAll(input) || isP2PKSpendAuthorised(proof))
  } catch (error) {
    throw refused(error instanceof Error ? error.message : 'not understood')
  }
  if (!authorised) throw refused('signatures do not meet the lock')
}

/**
 * Whether each of the lock's keys, all different, has signed: enough whatever its other conditions are, and what nearly
 * every spend is. cashu-ts judges the rest (refunds, m of n); it takes five checks a proof, in JavaScript.
 */
function isSignedByAll({ secret, witness }: Input): boolean {
  const [, { data, tags }] = parseP2PKSecret(secret)
  const tag = (name: string) => tags?.find(([key]) => key === name)?.slice(1) ?? []
  const keys = [data, ...tag('pubkeys')].map(key => key.toLowerCase().slice(2))
  const needed = Number(tag('n_sigs')[0] ?? 1)
  if (!(needed >= 1 && needed <= keys.length) || new Set(keys).size < keys.length) return false
  const signatures = getP2PKWitnessSignatures(witness).filter(signature => isHex(signature, 64))
  const hash = curve.sha256(secret)
  /** A signature is one key's alone. */
  const signed = (key: string) => {
    const xOnly = hexToBytes(key)
    const at = signatures.findIndex(signature => curve.verify(hexToBytes(signature), hash, xOnly))
    return at >= 0 && signatures.splice(at, 1).length === 1
  }
  return keys.every(key => isHex(key, 32) && signed(key))
}

const isHex = (text: unknown, bytes: number): text is string =>
  typeof text === 'string' && text.length === 2 * bytes && /^[0-9a-f]*$/i.test(text)
