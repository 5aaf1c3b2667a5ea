import { InvalidArgumentError, Option } from 'commander'

/** Parsers of option values. What they refuse, commander reports with the option's name. */

/** A whole number of at least 1. */
export const positive =
  (what: string, most = 1_000_000_000) =>
  (text: string): number => {
    const n = wholeNumber(text)
    if (n === undefined || n < 1)
      throw new InvalidArgumentError(`It takes a whole number of ${what}, 1 or more.`)
    if (n > most)
      throw new InvalidArgumentError(`At most ${most.toLocaleString('en-US')} ${what} can be asked for.`)
    return n
  }

/** Sats: whole and above zero; "1000", "1,000" and "1_000" are the same. */
export const satsAmount = (text: string): number => {
  const n = wholeNumber(text.replace(/(?<=\d)[,_](?=\d{3}(?!\d))/g, ''))
  if (n === undefined || n < 1) throw new InvalidArgumentError('It takes a whole number of sats, 1 or more.')
  // 21 million bitcoin: more does not exist.
  if (n > 2_100_000_000_000_000) throw new InvalidArgumentError('That is more than all sats there are.')
  return n
}

/** A number above zero, for prices that may be below one sat. */
export const price = (text: string): number => {
  const n = Number(text)
  if (!(text.trim() !== '' && n > 0 && n < 1e12)) throw new InvalidArgumentError('It takes a number above 0.')
  return n
}

/** A share above 0 and at most 1, e.g. of probability. */
export const share = (text: string): number => {
  const n = Number(text)
  if (!(text.trim() !== '' && n > 0 && n <= 1))
    throw new InvalidArgumentError('It takes a share such as 0.9.')
  return n
}

/** A share that a step leaves out: at most 0.9. */
export const dropout = (text: string): number => {
  const n = Number(text)
  if (!(text.trim() !== '' && n > 0 && n <= 0.9))
    throw new InvalidArgumentError('It takes a share such as 0.1, at most 0.9.')
  return n
}

/** Of sampling: 0 or more. */
export const temperature = (text: string): number => {
  const n = Number(text)
  if (!(text.trim() !== '' && n >= 0 && n <= 100))
    throw new InvalidArgumentError('It takes a number from 0 to 100.')
  return n
}

export const taskOption = (): Option =>
  new Option('--task <task>', 'what to train for, where the data leaves it open').choices([
    'classification',
    'regression',
  ])

export const modelOption = (): Option =>
  new Option('--model <kind>', 'the model; what the dataset suggests when left out').choices([
    'mlp',
    'cnn',
    'resnet',
    'gpt',
    'llama',
  ])

export const asOption = (): Option =>
  new Option('--as <kind>', 'read the file as this, whatever it looks like').choices(['table', 'text'])

const wholeNumber = (text: string): number | undefined => {
  if (!/^\d{1,16}$/.test(text.trim())) return undefined
  const n = Number(text)
  return Number.isSafeInteger(n) ? n : undefined
}
