import { openWallet, type Wallet } from '../core/payments/index.ts'
import type { Home } from './home.ts'
import { openExistingStore } from './store.ts'

interface Books extends Pick<Wallet, 'balance' | 'history'> {
  close(): void
}

/**
 * What a home's ledger says, without its passphrase and while another process works there. Only what the database
 * knows is read: the seed, which makes new secrets, is not needed, and an empty one can make none that anybody uses.
 * @throws UserError `home/none`
 */
export async function openBooks(home: Home): Promise<Books> {
  const { db } = openExistingStore(home)
  const wallet = await openWallet({ db, seed: new Uint8Array(64) })
  return {
    balance: () => wallet.balance(),
    history: limit => wallet.history(limit),
    close() {
      wallet.close()
      db.close()
    },
  }
}
