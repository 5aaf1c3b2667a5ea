import { getEncodedToken, OutputData, P2PKBuilder, type Proof, Wallet as Raw } from '@cashu/cashu-ts'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sats } from '../../shared/units.ts'
import { type MintServer, startMint } from '../localnet/index.ts'
import {
  fund,
  type Home,
  inAnHour,
  lockRequest,
  newKey,
  newKeys,
  openHome,
  termsOf,
  testFolder,
} from './testing.ts'

// Locks as a dishonest customer would make them. Secrets are checked before signatures, so most need no mint.
const folder = testFolder()
let mint: MintServer
let provider: Home
let customer: Home
const keys = newKeys()
const locktime = inAnHour()
const terms = termsOf(keys, locktime)
let raw: Raw

beforeAll(async () => {
  mint = await startMint({ folder: folder.path })
  provider = await openHome(folder.path, 'provider')
  customer = await openHome(folder.path, 'customer')
  await fund(customer, mint.url, 500)
  raw = new Raw(mint.url)
  await raw.loadMint()
})
afterAll(async () => {
  provider.close()
  customer.close()
  await mint.close()
  folder.remove()
})

let count = 0
const receive = (
  token: string,
  options: { amount?: number; mints?: string[]; id?: string; locktime?: number } = {},
) =>
  provider.wallet.receiveLock({
    id: options.id ?? `r${count++}`,
    token,
    ...(options.mints ? { mints: options.mints } : {}),
    expect: {
      ...terms,
      locktime: options.locktime ?? locktime,
      mint: mint.url,
      amount: sats(options.amount ?? 8),
    },
  })
const refused = (what: string) => ({ code: `payments/lock-${what}`, fix: expect.stringContaining('award') })

const builder = () =>
  new P2PKBuilder()
    .addLockPubkey([terms.provider, terms.customer])
    .requireLockSignatures(2)
    .addRefundPubkey(terms.refund)
    .lockUntil(locktime)
/** A token of unsigned proofs with these conditions. */
function forged(
  options: ReturnType<ReturnType<typeof builder>['toOptions']>,
  change: (secret: string) => string = s => s,
) {
  const data = OutputData.createSingleP2PKData(options, 16, raw.keysetId)
  const secret = change(new TextDecoder().decode(data.secret))
  const proof: Proof = {
    id: raw.keysetId,
    amount: data.blindedMessage.amount,
    secret,
    C: data.blindedMessage.B_,
  }
  return getEncodedToken({ mint: mint.url, proofs: [proof], unit: 'sat' })
}
const retag = (change: (tags: string[][]) => string[][]) => (secret: string) => {
  const [kind, data] = JSON.parse(secret) as [string, { tags: string[][] }]
  return JSON.stringify([kind, { ...data, tags: change(data.tags) }])
}
const stranger = newKey().pubkey

describe('a provider refuses a lock', () => {
  it.each<[string, string, () => string]>([
    [
      'to another provider',
      'keys',
      () => forged({ ...builder().toOptions(), pubkey: [stranger, terms.customer] }),
    ],
    ['to one key more', 'keys', () => forged(builder().addLockPubkey(stranger).toOptions())],
    ['with one signature', 'signatures', () => forged({ ...builder().toOptions(), requiredSignatures: 1 })],
    [
      'to the customer alone',
      'keys',
      () => forged({ ...builder().toOptions(), pubkey: terms.customer, requiredSignatures: 1 }),
    ],
    ['with another refund key', 'refund', () => forged({ ...builder().toOptions(), refundKeys: [stranger] })],
    ['with a second refund key', 'refund', () => forged(builder().addRefundPubkey(stranger).toOptions())],
    [
      'without a refund key: anyone’s after the time',
      'refund',
      () =>
        forged(
          builder().toOptions(),
          retag(t => t.filter(x => x[0] !== 'refund')),
        ),
    ],
    [
      'that opens earlier',
      'locktime',
      () =>
        forged(
          builder()
            .lockUntil(locktime - 1800)
            .toOptions(),
        ),
    ],
    [
      'without a time',
      'locktime',
      () =>
        forged(
          builder().toOptions(),
          retag(t => t.filter(x => x[0] !== 'locktime')),
        ),
    ],
    ['with SIG_ALL', 'sigflag', () => forged(builder().sigAll().toOptions())],
    ['with a tag that was not agreed', 'tags', () => forged(builder().addTag('note', 'x').toOptions())],
    [
      'with a tag twice',
      'tags',
      () =>
        forged(
          builder().toOptions(),
          retag(t => [...t, ['locktime', '1']]),
        ),
    ],
    [
      'with the number of signatures in another spelling',
      'signatures',
      () =>
        forged(
          builder().toOptions(),
          retag(t => t.map(x => (x[0] === 'n_sigs' ? ['n_sigs', '02'] : x))),
        ),
    ],
    [
      'with a key twice in its JSON',
      'secret',
      () => forged(builder().toOptions(), s => s.replace('"data":', `"data":"${stranger}","data":`)),
    ],
    ['that is none', 'open', () => forged(builder().toOptions(), () => 'ab'.repeat(32))],
    ['with blinded keys', 'keys', () => forged(builder().blindKeys().toOptions())],
    ['that the mint has not signed', 'dleq', () => forged(builder().toOptions())],
    ['that is no token', 'token', () => 'cashuBnonsense'],
    ['that is a book', 'token', () => `cashuB${'x'.repeat(200_000)}`],
    [
      'of another mint',
      'mint',
      () => getEncodedToken({ mint: 'https://evil.example', proofs: [], unit: 'sat' }),
    ],
    ['in another unit', 'unit', () => getEncodedToken({ mint: mint.url, proofs: [], unit: 'usd' })],
    ['of no proofs', 'token', () => getEncodedToken({ mint: mint.url, proofs: [], unit: 'sat' })],
  ])('%s', async (_, code, token) => {
    await expect(receive(token())).rejects.toMatchObject(refused(code))
  })

  it('of a mint that is not on its own list, before asking that mint anything', async () => {
    await expect(
      receive(forged(builder().toOptions()), { mints: ['https://mint.example.com'] }),
    ).rejects.toMatchObject(refused('mint'))
  })

  it('that is short of the price and the redeeming fee, spent, or sent before', async () => {
    const { token, amount } = await customer.wallet.lock({
      ...lockRequest('l1', mint.url, keys, 8, locktime),
    })
    await expect(receive(token, { amount: amount })).rejects.toMatchObject(refused('amount'))
    await expect(receive(token, { locktime: locktime + 1 })).rejects.toMatchObject(refused('locktime'))
    await receive(token, { id: 'good', mints: [`${mint.url}/`] })
    await expect(receive(token, { id: 'again' })).rejects.toMatchObject(refused('reused'))
    const { witnesses } = customer.wallet.release({ id: 'l1', amount: sats(8), secret: keys.customer.secret })
    const other = witnesses.map(w => ({ ...w, signature: 'cd'.repeat(64) }))
    await expect(
      provider.wallet.redeem({ id: 'good', witnesses: other, secret: keys.provider.secret }),
    ).rejects.toMatchObject({ code: 'payments/lock-witness' })
    await expect(
      provider.wallet.redeem({ id: 'good', witnesses, secret: keys.customer.secret }),
    ).rejects.toMatchObject({ code: 'payments/lock-key' })
    await provider.wallet.redeem({ id: 'good', witnesses, secret: keys.provider.secret })
    const second = await openHome(folder.path, 'second-provider')
    await expect(
      second.wallet.receiveLock({ id: 'x', token, expect: { ...terms, mint: mint.url, amount: sats(8) } }),
    ).rejects.toMatchObject(refused('spent'))
    second.close()
  })

  it('that is open already', async () => {
    const past = Math.floor(Date.now() / 1000) - 1
    await expect(
      receive(forged(builder().lockUntil(past).toOptions()), { locktime: past }),
    ).rejects.toMatchObject(refused('locktime'))
  })

  it('that the customer takes back first, which the provider then reads', async () => {
    // On the mint's clock the lock is open already; on the provider's it is not.
    const soon = Math.floor(Date.now() / 1000) - 60
    const fresh = newKeys()
    const slow = await openHome(folder.path, 'slow-provider', { now: () => soon - 1 })
    const { token } = await customer.wallet.lock(lockRequest('l2', mint.url, fresh, 8, soon))
    const agreed = { ...termsOf(fresh, soon), mint: mint.url, amount: sats(8) }
    await slow.wallet.receiveLock({ id: 'late', token, expect: agreed })
    const taken = { customer: fresh.customer.secret, refund: fresh.refund.secret }
    expect(await customer.wallet.refund({ id: 'l2', keys: taken })).toHaveProperty('refunded')
    const signed = customer.wallet.backup().locks as { id: string; proofs: { proof: { secret: string } }[] }[]
    const { signSecret } = await import('./cashu.ts')
    const witnesses = (signed.find(l => l.id === 'l2')?.proofs ?? []).map(({ proof: { secret } }) => ({
      secret,
      signature: signSecret(secret, fresh.customer.secret),
    }))
    await expect(
      slow.wallet.redeem({ id: 'late', witnesses, secret: fresh.provider.secret }),
    ).rejects.toMatchObject({ code: 'payments/lock-spent' })
    expect(slow.wallet.lockState('late')?.state).toBe('lost')
    slow.close()
  })
})
