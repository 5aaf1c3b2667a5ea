import { z } from 'zod'
import { UserError } from '../../../shared/errors.ts'
import { END_OF_TURN, ROLES, roleMark } from '../../tokenizers/index.ts'
import type { TextLayout } from '../types.ts'
import type { Line } from './lines.ts'
import type { Segment } from './source.ts'

const filled = z.string().min(1, 'must not be empty')
const message = z.object({ role: z.enum(ROLES), content: z.string() })

/** What a line of each layout holds; other fields are passed over. */
const LAYOUTS = {
  plain: z.object({ text: filled }).transform(({ text }): Segment[] => [{ text, learned: true }]),
  completions: z
    .object({ prompt: z.string(), completion: filled })
    .transform(({ prompt, completion }): Segment[] => [
      { text: prompt, learned: false },
      { text: completion, learned: true },
    ]),
  chat: z
    .object({ messages: z.array(message).min(1) })
    .refine(({ messages }) => messages.some(({ role }) => role === 'assistant'), {
      message: 'no turn of the assistant: there is nothing to learn',
      path: ['messages'],
    })
    .transform(({ messages }) => messages.flatMap(turn)),
} satisfies Record<TextLayout, z.ZodType<Segment[]>>

/** `<|user|>` content `<|end|>`; of the assistant's turns content and end are learned. */
function turn({ role, content }: z.infer<typeof message>): Segment[] {
  const learned = role === 'assistant'
  return [
    { mark: roleMark(role), learned: false },
    { text: content, learned },
    { mark: END_OF_TURN, learned },
  ]
}

/** @throws UserError `dataset/jsonl-line` with the line's number */
export function segmentsOf({ number, text }: Line, layout: TextLayout, path: string): Segment[] {
  const parsed = LAYOUTS[layout].safeParse(objectOf(text, number, path))
  if (parsed.success) return parsed.data.map(wellFormed)
  const [issue] = parsed.error.issues
  const field = issue?.path
    .map(part => (typeof part === 'number' ? `[${part}]` : `.${String(part)}`))
    .join('')
  refuse(number, `"${field?.slice(1)}": ${issue?.message}`, path)
}

function objectOf(text: string, number: number, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    refuse(number, `it is no JSON (${cause instanceof Error ? cause.message.slice(0, 100) : ''})`, path)
  }
}

/** JSON can spell halves of characters, which no text has. */
const wellFormed = (segment: Segment): Segment =>
  'text' in segment ? { ...segment, text: segment.text.toWellFormed() } : segment

function refuse(number: number, what: string, path: string): never {
  throw new UserError('dataset/jsonl-line', {
    message: `Line ${number} cannot be used: ${what}.`,
    fix: 'Correct that line or take it out. Every line must be one JSON object with the same fields as the first.',
    where: path,
  })
}

const OTHER_FIELDS = new Set([
  ...['id', 'meta', 'metadata', 'source', 'url', 'title', 'date', 'timestamp', 'lang', 'language', 'license'],
])

/**
 * What the fields of a first record say. A `text` beside others that could be answers is a table's column, unless the
 * person said that it is a text.
 */
export function layoutOf(record: unknown, saidText: boolean): TextLayout | undefined {
  if (typeof record !== 'object' || record === null) return undefined
  if ('messages' in record && Array.isArray(record.messages)) return 'chat'
  if ('prompt' in record && 'completion' in record) return 'completions'
  if (!('text' in record) || typeof record.text !== 'string') return undefined
  const others = Object.keys(record).filter(name => name !== 'text' && !OTHER_FIELDS.has(name.toLowerCase()))
  return saidText || others.length === 0 ? 'plain' : undefined
}
