import { UserError } from '../../../shared/errors.ts'
import { type ChatRole, END_OF_TURN, ROLES, roleMark, type Tokenizer } from '../../tokenizers/index.ts'

export interface Message {
  role: ChatRole
  content: string
}

/** Whether a tokenizer has the tokens of the template by which datasets of messages are written. */
export const canChat = ({ special }: Tokenizer): boolean =>
  [...ROLES.map(roleMark), END_OF_TURN].every(name => special.has(name))

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
export function chatTokens(tokenizer: Tokenizer, messages: readonly Message[], most: number): number[] {
  if (!canChat(tokenizer)) throw noChat()
  const mark = (name: string) => tokenizer.special.get(name)! // `canChat`
  const written = messages.map(({ role, content }) => ({
    role,
    tokens: [mark(roleMark(role)), ...tokenizer.encode(content), mark(END_OF_TURN)],
  }))
  const begin = tokenizer.endOfText === undefined ? [] : [tokenizer.endOfText]
  const length = () => begin.length + 1 + written.reduce((sum, { tokens }) => sum + tokens.length, 0)
  while (length() > most) {
    const oldest = written.findIndex(({ role }, i) => role !== 'system' && i < written.length - 1)
    if (oldest < 0) throw tooLong(length(), most)
    written.splice(oldest, 1)
  }
  return [...begin, ...written.flatMap(({ tokens }) => tokens), mark(roleMark('assistant'))]
}

export const noChat = (): UserError =>
  new UserError('generate/no-chat', {
    message: 'This model was not trained on conversations: its tokenizer has no tokens for who speaks.',
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
