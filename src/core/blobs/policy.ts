import { lookup } from 'node:dns/promises'
import { BlockList, isIP, isIPv6 } from 'node:net'

/** Says why an address must not be contacted; undefined when it may. Asked for every request and every redirect. */
export type AddressPolicy = (url: URL) => Promise<string | undefined> | string | undefined

const reserved = new BlockList()
for (const [net, prefix] of [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['224.0.0.0', 3],
] as const)
  reserved.addSubnet(net, prefix, 'ipv4')
for (const [net, prefix] of [
  ['::', 127],
  ['64:ff9b::', 96],
  ['fc00::', 7],
  ['fe80::', 10],
  ['ff00::', 8],
] as const)
  reserved.addSubnet(net, prefix, 'ipv6')

/**
 * The live network's rule (docs/protocol.md): https only and no private address, so that a peer's list cannot point
 * this machine at its own network; what the user typed is always allowed.
 * @param typed  addresses from the user's own flags or settings
 */
export function addressPolicy(
  typed: readonly string[],
  resolve: (host: string) => Promise<string[]> = resolveAll,
): AddressPolicy {
  const origins = new Set(typed.map(address => new URL(address).origin))
  return async url => {
    if (origins.has(url.origin)) return undefined
    if (url.protocol !== 'https:') return 'is not https'
    const host = url.hostname.replace(/^\[|\]$/g, '')
    // A name that does not resolve fails by itself when it is fetched.
    const addresses = isIP(host) ? [host] : await resolve(host).catch(() => [])
    return addresses.some(isReserved) ? 'is a private address' : undefined
  }
}

const isReserved = (address: string): boolean => reserved.check(address, isIPv6(address) ? 'ipv6' : 'ipv4')

const resolveAll = async (host: string): Promise<string[]> =>
  (await lookup(host, { all: true })).map(({ address }) => address)
