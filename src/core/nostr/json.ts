import { WireError } from './wire-error.ts'

/** Deep enough for every kind of this protocol, shallow enough that no later walk of the value overflows a stack. */
const MAX_DEPTH = 16

/**
 * JSON from a stranger: bounded in length (characters) and in depth before it is parsed.
 * @throws WireError `wire/size`, `wire/json`
 */
export function parseJson(text: string, maxLength: number, field = 'content'): unknown {
  if (text.length > maxLength)
    throw new WireError('wire/size', field, `JSON of ${text.length} characters, more than ${maxLength}.`)
  if (depthOf(text) > MAX_DEPTH)
    throw new WireError('wire/json', field, `JSON nested deeper than ${MAX_DEPTH} levels.`)
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new WireError('wire/json', field, 'This is not JSON.', cause)
  }
}

function depthOf(text: string): number {
  let depth = 0
  let deepest = 0
  let inString = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (inString) {
      if (c === BACKSLASH) i++
      else if (c === QUOTE) inString = false
    } else if (c === QUOTE) inString = true
    else if (c === BRACKET || c === BRACE) deepest = Math.max(deepest, ++depth)
    else if (c === BRACKET_END || c === BRACE_END) depth--
  }
  return deepest
}

const [QUOTE, BACKSLASH, BRACKET, BRACKET_END, BRACE, BRACE_END] = [34, 92, 91, 93, 123, 125]
