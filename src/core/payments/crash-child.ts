import { appendFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { hexToBytes } from '@noble/hashes/utils.js'
import { sats } from '../../shared/units.ts'
import { openHome, refundKeys, termsOf } from './testing.ts'

/**
 * One whole life of a customer and a provider: top-up, lock, part release, redemption, the rest given back, withdrawal.
 * It kills itself at each step that it has not died at before; run again and again, it must come to the same end.
 */
const [folder = '', mint = '', invoice = '', locktime = '', ...secrets] = process.argv.slice(2)
const died = join(folder, 'died.txt')
const before = new Set(existsSync(died) ? readFileSync(died, 'utf8').split('\n') : [])

function step(name: string): void {
  if (before.has(name)) return
  appendFileSync(died, `${name}\n`)
  process.kill(process.pid, 'SIGKILL')
}

const [provider, customer, refund] = secrets.map(secret => {
  const [hex = '', pubkey = ''] = secret.split(':')
  return { secret: hexToBytes(hex), pubkey }
})
if (!provider || !customer || !refund) throw new Error('three keys are needed')
const keys = { provider, customer, refund }
const terms = { ...termsOf(keys, Number(locktime)), mint, amount: sats(100) }

const buyer = await openHome(folder, 'customer', { step })
const seller = await openHome(folder, 'provider', { step })
const settle = async () => {
  await buyer.wallet.settle()
  await seller.wallet.settle()
}
await settle()
if (buyer.wallet.history().length === 0) await (await buyer.wallet.topUp(mint, sats(1000))).paid
const { token } = await buyer.wallet.lock({ ...terms, id: 'lock', job: 'job', cap: sats(500) })
await seller.wallet.receiveLock({ id: 'lock', token, expect: terms })
const { witnesses } = buyer.wallet.release({ id: 'lock', amount: sats(60), secret: customer.secret })
await seller.wallet.redeem({ id: 'lock', witnesses, secret: provider.secret })
const given = seller.wallet.giveBack({ id: 'lock', secret: provider.secret })
await buyer.wallet.refund({ id: 'lock', keys: refundKeys(keys), witnesses: given })
await buyer.wallet.withdraw(mint, invoice)
await settle()
buyer.close()
seller.close()
