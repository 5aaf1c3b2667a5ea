import { createServer, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { NetworkError } from '@cashu/cashu-ts'
import { afterEach, describe, expect, it } from 'vitest'
import { keptConnections } from '../../../shared/http.ts'
import { requestOver } from './transport.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) server.close().closeAllConnections()
})

async function mint(answer: RequestListener): Promise<string> {
  const server = createServer(answer)
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const ask = (url: string, timeoutMs = 20_000) =>
  requestOver(keptConnections(), timeoutMs)<unknown>({ endpoint: `${url}/v1/info` })
const failure = (asked: Promise<unknown>) =>
  asked.then(
    () => 'answered',
    error => `${error instanceof NetworkError ? 'network' : 'other'}: ${error.message}`,
  )

describe('requests to a mint', () => {
  it('carry JSON there and back over one connection', async () => {
    const ports = new Set<number | undefined>()
    const url = await mint((request, response) => {
      ports.add(request.socket.remotePort)
      const parts: Buffer[] = []
      request.on('data', part => parts.push(part))
      request.on('end', () => response.end(Buffer.concat(parts)))
    })
    const request = requestOver(keptConnections(), 20_000)
    const endpoint = `${url}/v1/swap`
    for (const requestBody of [{ inputs: [1] }, { text: 'ä€' }])
      expect(await request({ endpoint, method: 'POST', requestBody })).toEqual(requestBody)
    expect(ports.size).toBe(1)
  })

  it('are tried once more when the connection turns out dead, and no more', async () => {
    let asked = 0
    const url = await mint((request, response) => {
      asked++
      if (asked % 2 === 1) request.socket.destroy()
      else response.end('{"n":1}')
    })
    expect(await ask(url)).toEqual({ n: 1 })
    expect(asked).toBe(2)
    const dead = await mint(request => {
      asked++
      request.socket.destroy()
    })
    expect(await failure(ask(dead))).toMatch(/^network: /)
    expect(asked).toBe(4)
  })

  it.each<[string, RequestListener]>([
    ['nothing comes', () => {}],
    ['it comes to a halt', (_, response) => void response.write('{')],
  ])('are given up when %s, after the time that there is, and not tried again', async (_, answer) => {
    let asked = 0
    const url = await mint((request, response) => {
      asked++
      answer(request, response)
    })
    expect(await failure(ask(url, 150))).toBe('network: nothing whole came within 0.15 s')
    expect(asked).toBe(1)
  })

  it('follow no redirect', async () => {
    const url = await mint((_, response) => response.writeHead(302, { location: 'http://127.0.0.1:1' }).end())
    expect(await failure(ask(url))).toBe('network: it redirects to another address')
  })

  it('read no more than an answer may have', async () => {
    const url = await mint((_, response) => {
      const more = () => {
        while (response.write(Buffer.alloc(1024 * 1024, 32)));
      }
      response.on('drain', more)
      more()
    })
    expect(await failure(ask(url))).toMatch(/^network: its answer is larger than \d+ bytes$/)
  })

  it('say why a mint cannot be reached', async () => {
    const url = await mint(() => {})
    servers.pop()?.close()
    expect(await failure(ask(url))).toMatch(/^network: connect ECONNREFUSED 127\.0\.0\.1:\d+$/)
  })
})
