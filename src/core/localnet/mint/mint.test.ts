import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { OutputData, P2PKBuilder, type Proof, signP2PKProofs, Wallet } from '@cashu/cashu-ts'
import { secp256k1 } from '@noble/curves/secp256k1.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { decode } from 'light-bolt11-decoder'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../store/index.ts'
import { type MintServer, startMint } from './index.ts'

// cashu-ts's own wallet is the other side here: what it can do with this mint, any Cashu wallet can.
let folder: string
let mint: MintServer
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-mint-'))
  mint = await startMint({ folder })
})
afterEach(async () => {
  await mint.close()
  rmSync(folder, { recursive: true, force: true })
})

async function open(url = mint.url) {
  const wallet = new Wallet(url)
  await wallet.loadMint()
  return wallet
}
async function fund(wallet: Wallet, amount: number) {
  const quote = await wallet.createMintQuoteBolt11(amount)
  return wallet.mintProofsBolt11(amount, quote.quote)
}
/** The same mint again, on the same port. The connections that fetch kept open to the old one are used up first. */
async function restart(options: { feePpk?: number; payAfterMs?: number | null }) {
  const port = Number(new URL(mint.url).port)
  await mint.close()
  mint = await startMint({ folder, port, ...options })
  const reached = () =>
    fetch(`${mint.url}/v1/info`).then(
      response => response.text(),
      () => undefined,
    )
  for (let tries = 0; tries < 20 && !(await reached()); tries++);
}
const total = (proofs: Proof[]) => proofs.reduce((sum, p) => sum + p.amount.toNumber(), 0)
const plain = (proofs: Proof[]) =>
  proofs.map(p => ({ id: p.id, amount: p.amount.toNumber(), secret: p.secret, C: p.C, witness: p.witness }))
const plainOutputs = (outputs: OutputData[]) =>
  outputs.map(({ blindedMessage: m }) => ({ id: m.id, amount: m.amount.toNumber(), B_: m.B_ }))
async function post(path: string, body: unknown) {
  const response = await fetch(mint.url + path, { method: 'POST', body: JSON.stringify(body) })
  return {
    status: response.status,
    body: (await response.json()) as { code?: number; detail?: string } & Record<string, unknown>,
  }
}
const outputsFor = (wallet: Wallet, amount: number) =>
  OutputData.createRandomData(amount, { id: wallet.keysetId, keys: wallet.getKeyset().keys })

describe('the practice mint', () => {
  it('issues what an invoice brought, once, and charges 100 ppk for a swap', async () => {
    const wallet = await open()
    const proofs = await fund(wallet, 100)
    expect(total(proofs)).toBe(100)
    expect(proofs.every(p => p.dleq)).toBe(true)
    const { keep, send } = await wallet.send(30, proofs, { includeFees: true })
    expect(total(keep) + total(send)).toBe(99)
    const quote = await wallet.createMintQuoteBolt11(8)
    await wallet.mintProofsBolt11(8, quote.quote)
    await expect(wallet.mintProofsBolt11(8, quote.quote)).rejects.toMatchObject({ code: 20002 })
  })

  it('makes invoices that a BOLT-11 decoder reads', async () => {
    const { request } = await (await open()).createMintQuoteBolt11(21)
    expect(decode(request).sections.find(s => s.name === 'amount')).toMatchObject({ value: '21000' })
  })

  it('refuses a double spend, also when both come at once, and after a restart', async () => {
    const wallet = await open()
    const [proof] = (await fund(wallet, 64)) as [Proof]
    const swap = () =>
      post('/v1/swap', { inputs: plain([proof]), outputs: plainOutputs(outputsFor(wallet, 63)) })
    const answers = await Promise.all([swap(), swap(), swap(), swap()])
    expect(answers.filter(a => a.status === 200)).toHaveLength(1)
    expect(answers.filter(a => a.body.code === 11001)).toHaveLength(3)
    await restart({})
    expect((await swap()).body.code).toBe(11001)
    const [state] = await wallet.checkProofsStates([proof])
    expect(state?.state).toBe('SPENT')
  })

  it('answers a replayed swap with "already spent" and gives its signatures back by NUT-09', async () => {
    const wallet = await open()
    const proofs = await fund(wallet, 64)
    const outputs = outputsFor(wallet, 63)
    const body = { inputs: plain(proofs), outputs: plainOutputs(outputs) }
    const first = await post('/v1/swap', body)
    expect(await post('/v1/swap', body)).toMatchObject({ status: 400, body: { code: 11001 } })
    const restored = await post('/v1/restore', { outputs: plainOutputs(outputs) })
    expect(restored.body.signatures).toEqual(first.body.signatures)
  })

  it('opens a 2-of-2 lock with both signatures only, and with the refund key after its time', async () => {
    const wallet = await open()
    const key = () => secp256k1.utils.randomSecretKey()
    const [a, b, refund] = [key(), key(), key()]
    const pub = (secret: Uint8Array) => bytesToHex(secp256k1.getPublicKey(secret))
    const lock = (until: number) =>
      new P2PKBuilder()
        .addLockPubkey([pub(a), pub(b)])
        .requireLockSignatures(2)
        .addRefundPubkey(pub(refund))
        .lockUntil(until)
        .toOptions()
    const now = Math.floor(Date.now() / 1000)
    const open2 = await wallet.ops
      .send(8, await fund(wallet, 16))
      .asP2PK(lock(now + 3600))
      .run()
    const swap = (proofs: Proof[]) =>
      post('/v1/swap', {
        inputs: plain(proofs),
        outputs: plainOutputs(outputsFor(wallet, total(proofs) - 1)),
      })
    expect((await swap(open2.send)).body.code).toBe(11000)
    expect((await swap(signP2PKProofs(open2.send, a))).body.code).toBe(11000)
    expect((await swap(signP2PKProofs(open2.send, [a, b]))).status).toBe(200)
    const past = await wallet.ops
      .send(8, await fund(wallet, 16))
      .asP2PK(lock(now - 5))
      .run()
    expect((await swap(past.send)).body.code).toBe(11000)
    expect((await swap(signP2PKProofs(past.send, refund))).status).toBe(200)
  })

  it('pays an invoice of its own unpaid quote, so that one wallet can pay another', async () => {
    const wallet = await open()
    const proofs = await fund(wallet, 128)
    await restart({ payAfterMs: null })
    const invoice = await wallet.createMintQuoteBolt11(50)
    expect((await wallet.checkMintQuoteBolt11(invoice.quote)).state).toBe('UNPAID')
    await expect(wallet.mintProofsBolt11(50, invoice.quote)).rejects.toMatchObject({ code: 20001 })
    const quote = await wallet.createMeltQuoteBolt11(invoice.request)
    const paid = await wallet.meltProofsBolt11(quote, proofs)
    expect(paid.quote.state).toBe('PAID')
    expect(total(paid.change)).toBe(128 - 50 - 1)
    expect(total(await wallet.mintProofsBolt11(50, invoice.quote))).toBe(50)
    const again = await wallet.createMeltQuoteBolt11(invoice.request)
    await expect(wallet.meltProofsBolt11(again, paid.change)).rejects.toMatchObject({ code: 20006 })
  })

  it('has issued exactly what came in less what went out and the fees', async () => {
    const wallet = await open()
    const proofs = await fund(wallet, 200)
    await wallet.send(100, proofs, { includeFees: true })
    const db = openDatabase(mint.databasePath)
    const one = (sql: string) => Number(Object.values(db.prepare(sql).get() ?? {})[0] ?? 0)
    const signed = one('select sum(amount) from signature')
    const spent = one('select sum(amount) from spent')
    expect(signed - spent).toBe(200 - 1)
    db.close()
  })

  it('retires a keyset when the fee changes, still takes its proofs, and signs no more with it', async () => {
    const wallet = await open()
    const proofs = await fund(wallet, 8)
    const old = outputsFor(wallet, 7)
    await restart({ feePpk: 200 })
    expect((await post('/v1/swap', { inputs: plain(proofs), outputs: plainOutputs(old) })).body.code).toBe(
      12002,
    )
    const fresh = await open()
    expect(fresh.keysetId).not.toBe(wallet.keysetId)
    await fresh.keyChain.ensureKeysetKeys(wallet.keysetId)
    expect(total(await fresh.receive(proofs))).toBe(7)
  })
})

describe('what the practice mint refuses', () => {
  it.each([
    ['no JSON', '/v1/swap', '{', /JSON/],
    ['no inputs', '/v1/swap', '{"inputs":[],"outputs":[]}', /inputs/],
    ['a point that is none', '/v1/restore', '{"outputs":[{"B_":"zz"}]}', /outputs\.0\.B_/],
    ['a fraction', '/v1/mint/quote/bolt11', '{"amount":1.5,"unit":"sat"}', /amount/],
    ['another unit', '/v1/mint/quote/bolt11', '{"amount":1,"unit":"usd"}', /usd/],
    ['a real invoice', '/v1/melt/quote/bolt11', '{"request":"lnbc1","unit":"sat"}', /practice/],
    [
      'an unknown quote',
      '/v1/mint/bolt11',
      `{"quote":"x","outputs":[{"id":"00${'0'.repeat(14)}","amount":1,"B_":"02${'0'.repeat(64)}"}]}`,
      /quote/,
    ],
  ])('%s', async (_, path, body, detail) => {
    const response = await fetch(mint.url + path, { method: 'POST', body })
    expect(response.status).toBe(400)
    expect(((await response.json()) as { detail: string }).detail).toMatch(detail)
  })

  it('a body without end', async () => {
    const response = await fetch(`${mint.url}/v1/swap`, { method: 'POST', body: 'x'.repeat(5 * 1024 * 1024) })
    expect(response.status).toBe(400)
  })

  it('a forged proof, the same input twice, and sums that do not agree', async () => {
    const wallet = await open()
    const [proof] = plain(await fund(wallet, 8))
    const swap = (inputs: unknown[], amount: number) =>
      post('/v1/swap', { inputs, outputs: plainOutputs(outputsFor(wallet, amount)) })
    expect((await swap([{ ...proof, secret: 'f'.repeat(64) }], 7)).body.code).toBe(10001)
    expect((await swap([{ ...proof, amount: 16 }], 15)).body.code).toBe(10001)
    expect((await swap([proof, proof], 15)).body.code).toBe(11007)
    expect((await swap([proof], 8)).body.code).toBe(11005)
    expect((await swap([proof], 7)).status).toBe(200)
  })
})
