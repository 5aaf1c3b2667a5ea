import { generateMnemonic, mnemonicToSeedSync, validateMnemonic } from '@scure/bip39'
import { wordlist } from '@scure/bip39/wordlists/english.js'
import { UserError } from '../../shared/errors.ts'

const LENGTHS = [12, 15, 18, 21, 24]
const known = new Set(wordlist)

/** Twelve English words (BIP-39, 128 bits): the one backup of identity, job keys and wallet. */
export function newMnemonic(): string {
  return generateMnemonic(wordlist, 128)
}

/**
 * The words as BIP-39 wants them: lower case, one space between. Messages name positions, never words, so that
 * they can be logged.
 * @throws UserError `identity/bad-mnemonic`
 */
export function checkMnemonic(text: string): string {
  // A secret may be pasted with a whole file behind it: look at no more than can be words.
  const words = text.slice(0, 1000).normalize('NFKD').trim().toLowerCase().split(/\s+/).filter(Boolean)
  if (text.length > 1000 || !LENGTHS.includes(words.length))
    throw refusal(`A recovery phrase has 12 to 24 words; this text has ${words.length}.`)
  const unknown = words.flatMap((word, i) => (known.has(word) ? [] : [i + 1]))
  if (unknown.length > 0)
    throw refusal(`Not in the list of recovery words: word number ${unknown.slice(0, 5).join(', ')}.`)
  const mnemonic = words.join(' ')
  if (!validateMnemonic(mnemonic, wordlist))
    throw refusal('Every word is known, but their checksum is wrong: a word is exchanged or out of order.')
  return mnemonic
}

/** BIP-39's seed, 64 bytes, with no passphrase. */
export function seedOf(mnemonic: string): Uint8Array {
  return mnemonicToSeedSync(checkMnemonic(mnemonic))
}

const refusal = (message: string) =>
  new UserError('identity/bad-mnemonic', {
    message,
    fix: 'Compare it, word by word, with what you wrote down when this identity was made.',
    where: 'recovery phrase',
  })
