import { UserError } from '../../shared/errors.ts'

const MAX_URL = 200

function parse(text: string, protocols: string[]): URL | undefined {
  if (text.length > MAX_URL || !URL.canParse(text)) return undefined
  const url = new URL(text)
  if (!protocols.includes(url.protocol) || url.username || url.password || url.hash) return undefined
  return url
}

/** One spelling per relay: lower-case host, no default port, no slash at the end. */
function normalised(url: URL): string {
  const path = url.pathname.replace(/\/+$/, '')
  return `${url.protocol}//${url.host}${path}${url.search}`
}

/** @throws UserError `nostr/bad-relay-url` */
export function relayUrl(text: string): string {
  const url = parse(text.trim(), ['ws:', 'wss:'])
  if (url) return normalised(url)
  throw new UserError('nostr/bad-relay-url', {
    message: `"${text.slice(0, MAX_URL)}" is not a relay's address.`,
    fix: 'A relay\'s address begins with "wss://", or "ws://" for one on this computer or network.',
    where: 'relay',
  })
}

/** As it may stand in an event: already in its one spelling. */
export const isRelayUrl = (text: string): boolean => {
  const url = parse(text, ['ws:', 'wss:'])
  return url !== undefined && normalised(url) === text
}

/** A mint's or a Blossom server's address, without a slash at the end. */
export const isHttpUrl = (text: string): boolean => {
  const url = parse(text, ['http:', 'https:'])
  return url !== undefined && normalised(url) === text
}

/** The one spelling of a mint's or Blossom server's address; undefined when it is none. */
export const httpUrl = (text: string): string | undefined => {
  const url = parse(text.trim(), ['http:', 'https:'])
  return url && normalised(url)
}
