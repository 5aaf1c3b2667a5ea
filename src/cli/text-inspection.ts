import { basename } from 'node:path'
import type { TextInspection } from '../core/datasets/index.ts'
import { count, counted, type Paint, printable } from './format.ts'
import { table } from './table.ts'

export const encodings = {
  'utf-8': 'UTF-8',
  'utf-16le': 'UTF-16',
  'utf-16be': 'UTF-16',
  'windows-1252': 'Windows-1252',
}

const layouts = { plain: 'Text', completions: 'Prompts and completions', chat: 'Conversations' }
const tokenizers = { characters: 'characters', bpe: 'byte-pair encoding' }

/** What `gradstr inspect` shows of a text, above its first documents. */
export function textLines(found: TextInspection, paint: Paint): string[] {
  const { layout, documents, characters, alphabet, files, tokenizer } = found
  const size = `${counted(documents, layout === 'plain' ? 'document' : 'record')}, ${counted(characters, 'character')} (${count(alphabet)} different)`
  const read = `${files === 1 ? '' : `${counted(files, 'file')}, `}${encodings[found.encoding]}`
  const rows = [
    ['Tokenizer', tokenizers[tokenizer.kind], `${counted(tokenizer.size, 'token')}. ${tokenizer.why}`],
    [
      'Length',
      `${found.tokensAreEstimated ? 'about ' : ''}${counted(found.tokens, 'token')}`,
      estimate(found),
    ],
    ['Task', 'next token', 'A language model learns to continue a text.'],
  ].map(([name = '', value = '', why = '']) => [name, paint('bold', value), paint('dim', printable(why))])
  return [
    `${paint('bold', printable(basename(found.path)))}  ${layouts[layout]}, ${size}`,
    paint('dim', `  read as ${read}`),
    paint('dim', `  ${found.layoutWhy}`),
    '',
    ...table([{ title: '' }, { title: '' }, { title: '' }], rows),
  ]
}

const estimate = ({ tokensAreEstimated }: TextInspection): string =>
  tokensAreEstimated ? 'Counted in a sample of the text.' : 'In all of the text.'
