export {
  type Database,
  type Driver,
  openDatabase,
  type Row,
  type SqlValue,
  type Statement,
} from './database.ts'
export { migrate } from './migrate.ts'
