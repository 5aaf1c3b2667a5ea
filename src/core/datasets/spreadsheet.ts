import { UserError } from '../../shared/errors.ts'

export const spreadsheet = (where: string): UserError =>
  new UserError('dataset/spreadsheet', {
    message: 'This is an Excel workbook or another office document, not a table as text.',
    fix: 'Open it in your spreadsheet program and save the sheet as CSV.',
    where,
  })
