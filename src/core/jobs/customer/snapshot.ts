import type { Backup } from '../../payments/index.ts'
import type { Entry } from '../machine.ts'
import type { CustomerFact } from './log.ts'

/**
 * What a checkpoint's state blob holds: all that a new machine needs, beside the mnemonic and the dataset, to go on
 * with the job, the secrets of open locks included. Encrypted as every blob; its key travels from J to J.
 */
export interface Snapshot {
  v: 1
  log: Entry<CustomerFact>[]
  wallet: Backup
}
