import { checkMnemonic } from '../core/identity/index.ts'
import type { Call } from './cli.ts'
import { ask } from './prompt.ts'

/** Longest recovery phrase, generously. */
const MOST = 1000

/**
 * The recovery phrase as the person types it, or as it comes in on stdin.
 * @throws UserError `identity/bad-mnemonic`
 */
export async function askMnemonic({ terminal }: Pick<Call, 'terminal'>): Promise<string> {
  if (terminal.stdin.isTTY) return checkMnemonic(await ask('Recovery phrase: ', terminal))
  let text = ''
  terminal.stdin.setEncoding('utf8')
  for await (const chunk of terminal.stdin) {
    text += chunk
    if (text.length > MOST) break
  }
  return checkMnemonic(text)
}
