import { count, counted, type Paint, percent, printable, satsText, timeText } from '../format.ts'
import { table } from '../table.ts'
import { byName } from './view.ts'

/** One provider's part in the job's money, in face values. */
export interface ProviderMoney {
  name: string
  rounds: number
  paidRounds: number
  paid: number
  refunded: number
  /** Why it left or was not paid, if so. */
  remark?: string
}

/** Face values: locked = paid + refunded + open, and the balance fell by paid + fees + open. */
export interface MoneySummary {
  quoted: number
  cap: number
  locked: number
  paid: number
  refunded: number
  /** Still locked; comes back by itself, at the latest at `openUntil` (unix seconds). */
  open: number
  openUntil?: number
  fees: number
  before: number
  after: number
  providers: ProviderMoney[]
  practice: boolean
}

/** "Where every sat went", aligned. */
export function moneyLines(money: MoneySummary, paint: Paint): string[] {
  const { locked, paid, refunded, open, fees, before, after, quoted, cap } = money
  const amount = (n: number) => count(n)
  const rows = [
    ['Locked with providers', amount(locked), `of ${satsText(quoted)} quoted, cap ${satsText(cap)}`],
    ['  paid for work', amount(paid), ''],
    ...money.providers
      .toSorted(byName)
      .map(p => [`    ${printable(p.name)}`, amount(p.paid), providerRemark(p)]),
    ['  came back', amount(refunded), ''],
    ...(open > 0 ? [['  still locked', amount(open), openRemark(money.openUntil)]] : []),
    ['Fees to the mint', amount(fees), paid > 0 ? `${percent(fees / paid)} of what was paid` : ''],
    ['Balance before', amount(before), ''],
    ['Balance now', amount(after), ''],
  ]
  const title = money.practice ? 'Where every sat went (play money)' : 'Where every sat went'
  const body = table([{ title: '' }, { title: '', align: 'right' }, { title: '' }], rows)
  return [paint('bold', title), ...body.map(line => `  ${line}`), ...disagreements(money)]
}

const providerRemark = ({ rounds, paidRounds, refunded, remark }: ProviderMoney): string =>
  [
    `${paidRounds} of ${counted(rounds, 'round')}`,
    ...(refunded > 0 ? [`${satsText(refunded)} came back`] : []),
    ...(remark === undefined ? [] : [printable(remark)]),
  ].join(', ')

const openRemark = (until: number | undefined): string =>
  until === undefined ? 'comes back by itself' : `comes back by itself, at the latest ${timeText(until)}`

/** Money that does not add up is said, not hidden. */
function disagreements({
  locked,
  paid,
  refunded,
  open,
  fees,
  before,
  after,
  providers,
}: MoneySummary): string[] {
  const wrong = [
    locked === paid + refunded + open
      ? ''
      : 'what was locked is not what was paid, came back or is still locked',
    before - after === paid + fees + open
      ? ''
      : 'the balance did not fall by what was paid, locked and taken in fees',
    paid === providers.reduce((sum, p) => sum + p.paid, 0)
      ? ''
      : 'the providers’ shares are not what was paid',
  ].filter(text => text !== '')
  return wrong.map(text => `  These figures do not add up: ${text}. Please report it.`)
}
