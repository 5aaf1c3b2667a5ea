import { styleText } from 'node:util'

/** Every number that a person reads goes through here, and leaves with its unit; so do keys. */

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

export const count = (n: number): string => whole.format(n)
export const counted = (n: number, one: string, many = `${one}s`): string =>
  `${count(n)} ${n === 1 ? one : many}`
/** A stranger goes by the beginning of its public key. */
export const keyText = (pubkey: string): string => pubkey.slice(0, 12)
/** Of a job; commands find it by this. */
export const idText = (id: string): string => id.slice(0, 8)
export const satsText = (n: number): string => counted(n, 'sat')
export const percent = (share: number, digits = 1): string => `${(share * 100).toFixed(digits)} %`

/** A loss or another score: four significant digits, never in a form that jumps in width. */
export const score = (n: number | null | undefined): string => {
  if (n === null || n === undefined || !Number.isFinite(n)) return 'n/a'
  const size = Math.abs(n)
  return size >= 1000 ? n.toExponential(2) : n.toFixed(size >= 100 ? 1 : size >= 10 ? 2 : 4)
}

const scaled = (n: number, step: number, units: readonly string[]): string => {
  let power = 0
  for (; n >= step && power < units.length - 1; power++) n /= step
  return `${power === 0 ? count(n) : n.toFixed(n >= 100 ? 0 : 1)} ${units[power]}`
}
export const bytesText = (n: number): string => scaled(n, 1000, ['B', 'kB', 'MB', 'GB', 'TB'])
export const flopsText = (n: number): string =>
  scaled(n, 1000, ['FLOP/s', 'kFLOP/s', 'MFLOP/s', 'GFLOP/s', 'TFLOP/s', 'PFLOP/s'])

/** `42 s`, `3 min 05 s`, `2 h 10 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  const two = (n: number) => String(n).padStart(2, '0')
  if (s < 60) return `${s} s`
  if (s < 3600) return `${Math.floor(s / 60)} min ${two(s % 60)} s`
  if (s < 86_400) return `${Math.floor(s / 3600)} h ${two(Math.floor((s % 3600) / 60))} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3600)} h`
}

/** Unix seconds as local time to the minute, sortable. */
export function timeText(unix: number): string {
  const d = new Date(unix * 1000)
  const two = (n: number) => String(n).padStart(2, '0')
  return `${d.getFullYear()}-${two(d.getMonth() + 1)}-${two(d.getDate())} ${two(d.getHours())}:${two(d.getMinutes())}`
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan'
export type Paint = (style: Style, text: string) => string

export const plain: Paint = (_style, text) => text
/** Colours where `stream` is a terminal; NO_COLOR, FORCE_COLOR and NODE_DISABLE_COLORS are respected. */
export const painter =
  (stream: NodeJS.WritableStream): Paint =>
  (style, text) =>
    styleText(style, text, { stream })

/** What came from a file or from the wire may hold escape sequences; a terminal must not obey them. One line. */
export const printable = (text: string): string =>
  text
    .replace(/[\t\r\n\u2028\u2029]+/g, ' ')
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
    .replace(/[\u0000-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g, '�')

/** For a line that holds our own colours: nothing else in it is obeyed by a terminal. */
export const harmless = (line: string): string =>
  line
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the escape that begins a colour
    .split(/(\u001b\[[\d;]*m)/)
    .map((part, i) => (i % 2 === 1 ? part : printable(part)))
    .join('')

/** At most `width` characters. */
export const clip = (text: string, width: number): string =>
  text.length <= width ? text : width < 2 ? text.slice(0, width) : `${text.slice(0, width - 1)}…`
