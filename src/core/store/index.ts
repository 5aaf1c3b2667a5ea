export {
  type Database,
  type Driver,
  type OpenOptions,
  openDatabase,
  type Row,
  type SqlValue,
  type Statement,
  type TransactionOptions,
} from './database.ts'
export { migrate } from './migrate.ts'
