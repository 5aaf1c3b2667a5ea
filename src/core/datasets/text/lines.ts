import { UserError } from '../../../shared/errors.ts'

const MOST = 64 * 1024 * 1024

export interface Line {
  /** From 1. */
  number: number
  text: string
}

/** Lines that are not blank. @throws UserError `dataset/line-too-long` */
export async function* linesOf(texts: AsyncIterable<string>, path: string): AsyncGenerator<Line> {
  let parts: string[] = []
  let length = 0
  let number = 1
  for await (const text of texts) {
    let start = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
      const line = parts.join('') + text.slice(start, end)
      if (line.trim() !== '') yield { number, text: line }
      number++
      parts = []
      length = 0
      start = end + 1
    }
    parts.push(text.slice(start))
    length += text.length - start
    if (length > MOST) tooLong(number, path)
  }
  const rest = parts.join('')
  if (rest.trim() !== '') yield { number, text: rest }
}

function tooLong(number: number, path: string): never {
  throw new UserError('dataset/line-too-long', {
    message: `Line ${number} has more than ${MOST / 2 ** 20} million characters.`,
    fix: 'JSONL has one object in each line. Divide this record, or write each object on one line.',
    where: path,
  })
}
