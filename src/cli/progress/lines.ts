import { clip, count, duration, type Paint, percent, printable, type Style, score } from '../format.ts'
import { table } from '../table.ts'
import {
  byName,
  inLocks,
  type ProgressView,
  type ProviderState,
  type ProviderView,
  shareDone,
  stateWords,
} from './view.ts'

interface Canvas {
  /** Characters in a line. */
  width: number
  paint: Paint
}

/** More providers than this are summed up in one line. */
const MOST_ROWS = 12
/** Below this width bars are left out. */
const NARROW = 76

const stateStyle: Record<ProviderState, Style> = {
  asked: 'dim',
  receiving: 'cyan',
  waiting: 'dim',
  training: 'cyan',
  delivered: 'cyan',
  checking: 'cyan',
  paid: 'green',
  'part-paid': 'yellow',
  unpaid: 'red',
  left: 'red',
}

/** The whole display as lines that fit the canvas. */
export function progressLines(view: ProgressView, { width, paint }: Canvas): string[] {
  const lines = [
    headline(view, width, paint),
    ...(view.losses.length > 0 ? [lossLine(view.losses, width)] : []),
    ...(view.providers.length > 0
      ? ['', ...providerTable(view.providers.toSorted(byName), width, paint)]
      : []),
    '',
    ...satsLines(view, width),
  ]
  return lines
}

/** `━━━━───` */
export const bar = (share: number, width: number): string => {
  const full = Number.isFinite(share) ? Math.round(Math.min(1, Math.max(0, share)) * width) : 0
  return '━'.repeat(full) + '─'.repeat(width - full)
}

function headline(view: ProgressView, width: number, paint: Paint): string {
  const { doing, round, rounds, secondsLeft } = view
  const what = round === 0 ? 'Starting' : `Round ${round} of ${rounds}`
  const left = secondsLeft === undefined ? '' : `, about ${duration(secondsLeft)} left`
  if (doing !== undefined) return clip(`${what}: ${doing}${left}`, width)
  const share = shareDone(view)
  const drawn = width < NARROW ? '' : `${paint('cyan', bar(share, 24))}  `
  return `${paint('bold', what)}  ${drawn}${percent(share, 0)}${left}`
}

const blocks = '▁▂▃▄▅▆▇█'

/** One character for each value, the newest at the right. */
export function sparkline(values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  const finite = shown.filter(Number.isFinite)
  const low = Math.min(...finite)
  const high = Math.max(...finite)
  return shown
    .map(v => {
      if (!Number.isFinite(v)) return '?'
      const level = high === low ? 0 : ((v - low) / (high - low)) * (blocks.length - 1)
      return blocks[Math.round(level)] ?? ''
    })
    .join('')
}

function lossLine(losses: number[], width: number): string {
  const first = losses[0]
  const last = losses.at(-1)
  const figures = losses.length === 1 ? score(last) : `${score(first)} → ${score(last)}`
  const text = `Loss ${figures}`
  const room = width - text.length - 2
  return losses.length < 2 || room < 4
    ? clip(text, width)
    : `${text}  ${sparkline(losses, Math.min(room, 40))}`
}

function providerTable(providers: ProviderView[], width: number, paint: Paint): string[] {
  const shown = providers.slice(0, MOST_ROWS)
  const bars = width >= NARROW
  const columns = [
    { title: '  Provider' },
    { title: 'State' },
    ...(bars ? [{ title: '' }] : []),
    { title: 'Steps', align: 'right' as const },
    { title: 'Loss', align: 'right' as const },
  ]
  const rows = shown.map(p => [
    `  ${clip(printable(p.name), Math.min(22, Math.max(6, width - (bars ? 60 : 46))))}`,
    paint(stateStyle[p.state], stateWords[p.state]),
    ...(bars ? [p.steps === 0 ? '' : bar(p.step / p.steps, 12)] : []),
    p.steps === 0 ? '' : `${count(p.step)}/${count(p.steps)}`,
    p.loss === undefined ? '' : score(p.loss),
  ])
  const rest = providers.length - shown.length
  const lines = table(columns, rows).map((line, i) => (i === 0 ? paint('dim', line) : line))
  return rest === 0 ? lines : [...lines, paint('dim', `  … and ${restWords(providers.slice(MOST_ROWS))}`)]
}

/** `18 more (15 training, 3 paid)` */
function restWords(rest: ProviderView[]): string {
  const states = new Map<string, number>()
  for (const { state } of rest) states.set(stateWords[state], (states.get(stateWords[state]) ?? 0) + 1)
  return `${rest.length} more (${[...states].map(([state, n]) => `${n} ${state}`).join(', ')})`
}

/** In one line where it fits, else one below the other. */
function satsLines({ sats, practice }: ProgressView, width: number): string[] {
  const parts = [
    `${count(inLocks(sats))} in locks`,
    `${count(sats.paid)} paid`,
    `${count(sats.refunded)} came back`,
    `${count(sats.fees)} in fees`,
    `cap ${count(sats.cap)}`,
  ]
  const title = practice ? 'Sats (play money)' : 'Sats'
  const line = `${title}  ${parts.join(' · ')}`
  return line.length <= width ? [line] : [title, ...parts.map(part => `  ${part}`)]
}
