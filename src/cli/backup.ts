import { type Backup, openWallet } from '../core/payments/index.ts'
import type { Call } from './cli.ts'
import type { Home } from './home.ts'
import { keyringOf, openSecrets } from './secrets.ts'
import { openExistingStore } from './store.ts'

/** The recovery phrase, and what it cannot restore. Reads only: works while another process is at work in the home. */
export async function openBackup(call: Call, home: Home): Promise<{ mnemonic: string; content: Backup }> {
  const { db } = openExistingStore(home)
  try {
    const secrets = await openSecrets(call, home)
    const wallet = await openWallet({ db, seed: keyringOf(secrets).walletSeed, log: call.log.line })
    const content = wallet.backup()
    wallet.close()
    return { mnemonic: secrets.mnemonic, content }
  } finally {
    db.close()
  }
}
