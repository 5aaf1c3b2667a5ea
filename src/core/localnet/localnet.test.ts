import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { startLocalnet } from './index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-localnet-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const reachable = async (url: string) =>
  fetch(url).then(
    response => response.body?.cancel().then(() => true) ?? true,
    () => false,
  )
const portOf = (url: string) => Number(new URL(url).port)

it('runs relay, Blossom server and mint on 127.0.0.1, comes back at the same addresses, and stops all of them', async () => {
  const first = await startLocalnet({ folder })
  const socket = new WebSocket(first.relay)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  const addresses = [first.relay, first.blossom, first.mint]
  for (const address of addresses) {
    expect(new URL(address).hostname).toBe('127.0.0.1')
    expect(await reachable(address.replace('ws:', 'http:'))).toBe(true)
  }
  await first.close()
  for (const address of addresses) expect(await reachable(address.replace('ws:', 'http:'))).toBe(false)

  const ports = { relay: portOf(first.relay), blossom: portOf(first.blossom), mint: portOf(first.mint) }
  const second = await startLocalnet({ folder, ports })
  expect([second.relay, second.blossom, second.mint]).toEqual(addresses)
  await second.close()
})

it('leaves nothing running when one of the three cannot start', async () => {
  const other = createServer()
  await new Promise<void>(resolve => other.listen(0, '127.0.0.1', resolve))
  // A TCP server's address is always this shape; strings are for pipes.
  const taken = (other.address() as AddressInfo).port
  const probe = await startLocalnet({ folder })
  const mint = portOf(probe.mint)
  await probe.close()
  await expect(startLocalnet({ folder, ports: { mint, relay: taken } })).rejects.toMatchObject({
    code: 'localnet/port-taken',
  })
  expect(await reachable(probe.mint)).toBe(false)
  await new Promise(resolve => other.close(resolve))
})
