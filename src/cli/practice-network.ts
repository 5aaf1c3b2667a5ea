import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { type Localnet, startLocalnet } from '../core/localnet/index.ts'
import type { Network } from './network.ts'

const port = z.int().min(1).max(65_535)
const ports = z.object({ relay: port, blossom: port, mint: port })

/**
 * The practice network with its data in `folder`. Started again there it has the same addresses: a wallet knows its
 * mint by its address.
 * @throws UserError `localnet/port-taken`
 */
export async function startPracticeNetwork(folder: string): Promise<Localnet> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const path = join(folder, 'ports.json')
  const before = portsIn(path)
  const network = await startLocalnet({ folder, ...(before ? { ports: before } : {}) })
  const portOf = (url: string) => Number(new URL(url).port)
  const { relay, blossom, mint } = network
  const now = { relay: portOf(relay), blossom: portOf(blossom), mint: portOf(mint) }
  if (!before) writeFileSync(path, JSON.stringify(now))
  return network
}

/** Without the file, or with a damaged one, the system chooses. */
function portsIn(path: string): z.infer<typeof ports> | undefined {
  try {
    return ports.parse(JSON.parse(readFileSync(path, 'utf8')))
  } catch {
    return undefined
  }
}

export const networkOfLocalnet = ({ relay, blossom, mint }: Localnet): Network => ({
  relays: [relay],
  blossoms: [blossom],
  mints: [mint],
})
