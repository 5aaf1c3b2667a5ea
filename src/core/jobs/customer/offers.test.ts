import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startRelay } from '../../localnet/index.ts'
import type { SilentRelay } from '../../nostr/index.ts'
import { startScripted } from '../../nostr/scripted-relay.test-support.ts'
import { openHome, type TestHome } from '../home.test-support.ts'
import { liveOffers } from './offers.ts'

let folder: string
let home: TestHome
const open: { close(): Promise<void> }[] = []
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-offers-'))
  home = await openHome(join(folder, 'home'))
})
afterEach(async () => {
  await home.close()
  for (const thing of open.splice(0)) await thing.close()
  rmSync(folder, { recursive: true, force: true })
})

const any = () => true

/** The address of a server that hangs up on its first visitor and is gone; `then` follows on the same port. */
function hangsUpOnce(then: (port: number) => void = () => {}): Promise<string> {
  const server = createServer(socket => {
    socket.destroy()
    server.close(() => then(port))
  })
  let port = 0
  return new Promise(resolve =>
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      port = typeof address === 'object' && address ? address.port : 0
      resolve(`ws://127.0.0.1:${port}`)
    }),
  )
}

it('goes on with the relays that answer, and says which do not', async () => {
  const relay = await startRelay({ folder: join(folder, 'relay') })
  open.push(relay)
  const dead = await hangsUpOnce()
  const silent: SilentRelay[] = []
  const asked = { patienceMs: 10_000, onSilent: (relays: SilentRelay[]) => void silent.push(...relays) }
  expect(await liveOffers(home.tools, [relay.url, dead], any, asked)).toEqual([])
  expect(silent).toEqual([{ url: dead, reason: expect.stringMatching(/\w/) }])
})

it('waits for a relay that is away for a moment', async () => {
  const url = await hangsUpOnce(port => {
    void startRelay({ folder: join(folder, 'relay'), port }).then(relay => open.push(relay))
  })
  expect(await liveOffers(home.tools, [url], any, { patienceMs: 4_000 })).toEqual([])
})

it('fails with each relay’s reason where none answers: one is gone, one refuses, one says nothing', async () => {
  const refusing = await startScripted(
    ([type, id], say) => type === 'REQ' && say(['CLOSED', id, 'blocked: no']),
  )
  const mute = await startScripted(() => {})
  open.push(refusing, mute)
  const dead = await hangsUpOnce()
  const asking = liveOffers(home.tools, [dead, refusing.url, mute.url], any, { patienceMs: 500 })
  await expect(asking).rejects.toMatchObject({
    code: 'nostr/unreachable',
    message: expect.stringMatching(/blocked: no.*no answer/),
    where: [dead, refusing.url, mute.url].join(', '),
  })
})
