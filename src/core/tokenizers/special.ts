/** Ours: between two documents and after an answer; who speaks in a conversation; the end of a turn. */
export const END_OF_TEXT = '<|endoftext|>'
export const ROLES = ['system', 'user', 'assistant'] as const
export type ChatRole = (typeof ROLES)[number]
export const roleMark = (role: ChatRole): string => `<|${role}|>`
export const END_OF_TURN = '<|end|>'

/** What published tokenizers call the end of a text: GPT-2, Llama 3, Llama 2. */
export const ENDS_OF_TEXT = [END_OF_TEXT, '<|end_of_text|>', '</s>', '<eos>']

export function endOfTextAmong(special: ReadonlyMap<string, number>): number | undefined {
  const name = ENDS_OF_TEXT.find(known => special.has(known))
  return name === undefined ? undefined : special.get(name)
}
