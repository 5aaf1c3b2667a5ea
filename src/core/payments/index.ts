export { parseBackup } from './backup.ts'
export type {
  Accounts,
  Audit,
  Backup,
  Balance,
  HistoryEntry,
  Limits,
  Locked,
  LockRequest,
  LockState,
  LockTerms,
  Redeemed,
  Refunded,
  Released,
  TopUp,
  Wallet,
  Withdrawal,
  Witness,
} from './types.ts'
export { openWallet, type WalletOptions } from './wallet.ts'
