import { UserError } from '../../../shared/errors.ts'
import { type ChatRole, END_OF_TURN, ROLES, roleMark, type Tokenizer } from '../../tokenizers/index.ts'
import type { TextLayout } from './config.ts'

export interface Message {
  role: ChatRole
  content: string
}

/** Who a conversation is written for: the tokenizer, and how the documents were that the model learned from. */
export interface Speaker {
  tokenizer: Tokenizer
  layout?: TextLayout | undefined
}

/**
 * Whether a model knows the template by which datasets of messages are written. A tokenizer of ours has its marks as tokens;
 * with another model's they were spelled out in training.
 */
export const canChat = ({ tokenizer: { special }, layout }: Speaker): boolean =>
  layout === 'chat' || [...ROLES.map(roleMark), END_OF_TURN].every(name => special.has(name))

/** The tokens of a text that the model is to go on with, as a document begins in its training. */
export function promptTokens(tokenizer: Tokenizer, text: string): number[] {
  const { endOfText } = tokenizer
  return [...(endOfText === undefined ? [] : [endOfText]), ...tokenizer.encode(text)]
}

/**
 * A conversation by the template of training datasets, `<|user|>` content `<|end|>`, up to where the assistant begins. Where
 * it is longer than `most` tokens its oldest messages are left out, but not what the system says.
 * @throws UserError `generate/no-chat`, `generate/prompt-too-long` when the last message alone is too long
 */
export function chatTokens(speaker: Speaker, messages: readonly Message[], most: number): number[] {
  if (!canChat(speaker)) throw noChat()
  const kept = [...messages]
  for (;;) {
    const tokens = conversation(speaker.tokenizer, kept)
    if (tokens.length <= most) return tokens
    const oldest = kept.findIndex(({ role }, i) => role !== 'system' && i < kept.length - 1)
    if (oldest < 0) throw tooLong(tokens.length, most)
    kept.splice(oldest, 1)
  }
}

/** As a dataset's conversation becomes tokens: what follows the first text goes on from it. */
function conversation(tokenizer: Tokenizer, messages: readonly Message[]): number[] {
  const tokens = tokenizer.endOfText === undefined ? [] : [tokenizer.endOfText]
  let continues = false
  const text = (part: string) => {
    if (part === '') return
    tokens.push(...tokenizer.encode(part, { continues }))
    continues = true
  }
  const mark = (name: string) => {
    const token = tokenizer.special.get(name)
    if (token === undefined) text(name)
    else tokens.push(token)
  }
  for (const { role, content } of messages) {
    mark(roleMark(role))
    text(content)
    mark(END_OF_TURN)
  }
  mark(roleMark('assistant'))
  return tokens
}

/** An answer up to where its turn ends, for a model that spells the end out. What may begin the mark is held back. */
export async function* untilEndOfTurn(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let held = ''
  for await (const piece of pieces) {
    held += piece
    const end = held.indexOf(END_OF_TURN)
    if (end >= 0) {
      if (end > 0) yield held.slice(0, end)
      return
    }
    const safe = held.length - beginningOfMark(held)
    if (safe > 0) yield held.slice(0, safe)
    held = held.slice(safe)
  }
  if (held !== '') yield held
}

/** Length of the longest end of a text with which the mark begins. */
function beginningOfMark(text: string): number {
  for (let length = Math.min(text.length, END_OF_TURN.length - 1); length > 0; length--)
    if (END_OF_TURN.startsWith(text.slice(-length))) return length
  return 0
}

export const noChat = (): UserError =>
  new UserError('generate/no-chat', {
    message: 'This model was not trained on conversations: it does not know the marks of who speaks.',
    fix: 'Use `gradstr predict` with the beginning of a text, or train on JSON lines with "messages".',
  })

export const tooLong = (tokens: number, most: number): UserError =>
  new UserError('generate/prompt-too-long', {
    message: `The text has ${tokens} tokens; this model sees at most ${most} at once.`,
    fix: 'Give a shorter text, or only its end.',
  })

/** The template as `transformers` applies it (Jinja), without a prompt's beginning token. */
export const CHAT_TEMPLATE =
  "{% for message in messages %}{{ '<|' + message['role'] + '|>' + message['content'] + '<|end|>' }}{% endfor %}" +
  "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
