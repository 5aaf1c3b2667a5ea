import { join } from 'node:path'
import type { Wallet } from '../../core/payments/index.ts'
import { sats } from '../../shared/units.ts'
import type { Call } from '../cli.ts'
import { closing } from '../closing.ts'
import { counted, keyText } from '../format.ts'
import { type Home, makeHome } from '../home.ts'
import type { Network } from '../network.ts'
import { networkOfLocalnet, startPracticeNetwork } from '../practice-network.ts'
import { hireLocally, type LocalProviders } from './local-providers.ts'
import { rememberNames } from './names.ts'
import type { Naming } from './view.ts'

/** Play money that a practice wallet is filled up to before a job. */
const playMoney = 100_000

export interface Practice {
  network: Network
  naming: Naming
  /** Hires the local providers, once there is something for them to do. */
  hire(): Promise<void>
  /** Fills the wallet with play money: the mint's invoices pay themselves. */
  money(wallet: Wallet): Promise<void>
  close(): Promise<void>
}

/** The practice network inside this process; `hire` starts providers on this computer as processes of their own. */
export async function openPractice(call: Call, home: Home, providers: number): Promise<Practice> {
  const { report } = call
  const parts = closing()
  try {
    makeHome(home)
    const localnet = parts.opened(await startPracticeNetwork(join(home.folder, 'network')), n => n.close())
    const network = networkOfLocalnet(localnet)
    let hired: LocalProviders | undefined
    return {
      network,
      naming: pubkey => hired?.names.get(pubkey) ?? keyText(pubkey),
      async hire() {
        report.say(report.paint('dim', `Starting ${counted(providers, 'local provider')} …`))
        const folder = join(home.folder, 'providers')
        hired = parts.opened(await hireLocally(providers, folder, network, call.signal), h => h.stop())
        rememberNames(home, hired.names)
        report.event('practice', { ...network, pids: hired.pids })
      },
      async money(wallet) {
        const missing = playMoney - wallet.balance().available
        if (missing <= 0) return
        const topUp = await wallet.topUp(localnet.mint, sats(missing))
        await topUp.paid
      },
      close: () => parts.close(),
    }
  } catch (error) {
    await parts.close()
    throw error
  }
}
