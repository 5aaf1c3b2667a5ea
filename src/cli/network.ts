import { z } from 'zod'
import { httpUrl, relayUrl } from '../core/nostr/index.ts'
import { UserError } from '../shared/errors.ts'
import type { Settings } from './settings.ts'

/** Where a home meets others: any relays, Blossom servers and mints. */
export interface Network {
  relays: string[]
  blossoms: string[]
  mints: string[]
}

const stored = z.object({
  relays: z.array(z.string()),
  blossoms: z.array(z.string()),
  mints: z.array(z.string()),
})

export const noNetwork: Network = { relays: [], blossoms: [], mints: [] }
export const isEmpty = ({ relays, blossoms, mints }: Network): boolean =>
  relays.length + blossoms.length + mints.length === 0

/** @throws UserError `usage/bad-url` */
export function networkOf(flags: { relay: string[]; blossom: string[]; mint: string[] }): Network {
  const unique = (urls: string[]) => [...new Set(urls)]
  return {
    relays: unique(flags.relay.map(relayAddress)),
    blossoms: unique(flags.blossom.map(url => webAddress('--blossom', url))),
    mints: unique(flags.mint.map(url => webAddress('--mint', url))),
  }
}

function relayAddress(text: string): string {
  try {
    return relayUrl(text)
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    throw new UserError('usage/bad-url', { message: error.message, fix: error.fix, where: '--relay' })
  }
}

function webAddress(flag: string, text: string): string {
  const url = httpUrl(text)
  if (url !== undefined) return url
  throw new UserError('usage/bad-url', {
    message: `"${text}" is not a web address.`,
    where: flag,
    fix: 'Give one that begins with https:// (or http:// on this computer or network).',
  })
}

export const rememberedNetwork = (settings: Settings): Network => settings.get('network', stored) ?? noNetwork

/** Flags win over what the home remembers, kind by kind. */
export function overlaid(last: Network, flags: Network): Network {
  const pick = (kind: keyof Network) => (flags[kind].length > 0 ? flags[kind] : last[kind])
  return { relays: pick('relays'), blossoms: pick('blossoms'), mints: pick('mints') }
}

/** What this run uses, which is remembered. */
export function chooseNetwork(settings: Settings, flags: Network): Network {
  const chosen = overlaid(rememberedNetwork(settings), flags)
  if (!isEmpty(flags)) settings.set('network', chosen)
  return chosen
}

const flagOf = { relays: '--relay wss://…', blossoms: '--blossom https://…', mints: '--mint https://…' }
const nameOf = { relays: 'relay', blossoms: 'Blossom server', mints: 'mint' }

/** @throws UserError `network/incomplete` naming what is missing */
export function requireNetwork(network: Network, kinds: (keyof Network)[]): void {
  const missing = kinds.filter(kind => network[kind].length === 0)
  if (missing.length === 0) return
  throw new UserError('network/incomplete', {
    message: `No ${missing.map(kind => nameOf[kind]).join(', no ')} is given, and this home remembers none.`,
    fix: `Add ${missing.map(kind => flagOf[kind]).join(' ')} (each may be given several times; the home remembers them). \`gradstr localnet\` starts a network to practise on.`,
  })
}
