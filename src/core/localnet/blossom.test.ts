import { createHash, randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Actions, createDeleteAuth, createUploadAuth, encodeAuthorizationHeader } from 'blossom-client-sdk'
import { finalizeEvent, generateSecretKey, getPublicKey } from 'nostr-tools/pure'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type LocalBlossom, startBlossom } from './blossom.ts'

const secret = generateSecretKey()
const pubkey = getPublicKey(secret)
const signer = (key: Uint8Array) => async (draft: Parameters<typeof finalizeEvent>[0]) =>
  finalizeEvent(draft, key)
const sha256 = (body: Uint8Array) => createHash('sha256').update(body).digest('hex')
const time = Math.floor(Date.now() / 1000)

/** A token with any of its parts made wrong. */
const token = (change: { kind?: number; created_at?: number; tags?: string[][]; key?: Uint8Array }) =>
  encodeAuthorizationHeader(
    finalizeEvent(
      {
        kind: change.kind ?? 24242,
        created_at: change.created_at ?? time - 1,
        content: 'test',
        tags: change.tags ?? [],
      },
      change.key ?? secret,
    ),
  )

describe('the practice Blossom server', () => {
  let folder: string
  let server: LocalBlossom
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'gradstr-blossom-'))
    server = await startBlossom({ folder, maxBytes: 100_000 })
  })
  afterEach(async () => {
    await server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const stored = () => [...readdirSync(join(folder, 'blobs')), ...readdirSync(join(folder, 'incoming'))]
  const upload = (body: Buffer) =>
    Actions.uploadBlob(server.url, body, { onAuth: (_, hash) => createUploadAuth(signer(secret), hash) })
  const put = (body: Buffer, authorization: string) =>
    fetch(`${server.url}/upload`, { method: 'PUT', body: new Uint8Array(body), headers: { authorization } })

  it('takes, gives, lists and deletes blobs of a standard client', async () => {
    const body = randomBytes(1000)
    const hash = sha256(body)
    expect(await upload(body)).toMatchObject({ sha256: hash, size: 1000, url: `${server.url}/${hash}` })
    const got = await Actions.downloadBlob(server.url, hash)
    expect(Buffer.from(await got.arrayBuffer())).toEqual(body)
    expect(await Actions.hasBlob(server.url, hash)).toBe(true)
    expect(await Actions.listBlobs(server.url, pubkey)).toMatchObject([{ sha256: hash, size: 1000 }])
    expect(await Actions.listBlobs(server.url, pubkey, { until: time - 1000 })).toEqual([])
    await Actions.deleteBlob(server.url, hash, { onAuth: () => createDeleteAuth(signer(secret), hash) })
    expect(await Actions.hasBlob(server.url, hash)).toBe(false)
    expect(stored()).toEqual([])
  })

  it('answers ranges, HEAD with the size, and an extension after the hash', async () => {
    const body = randomBytes(1000)
    const hash = sha256(body)
    await upload(body)
    const part = async (range: string) => {
      const response = await fetch(`${server.url}/${hash}.bin`, { headers: { range } })
      return [response.status, Buffer.from(await response.arrayBuffer())]
    }
    expect(await part('bytes=10-19')).toEqual([206, body.subarray(10, 20)])
    expect(await part('bytes=990-')).toEqual([206, body.subarray(990)])
    expect(await part('bytes=-5')).toEqual([206, body.subarray(995)])
    expect(await part('bytes=900-2000')).toEqual([206, body.subarray(900)])
    expect((await part('bytes=1000-'))[0]).toBe(416)
    const head = await fetch(`${server.url}/${hash}`, { method: 'HEAD' })
    expect(head.headers.get('content-length')).toBe('1000')
  })

  it.each([
    ['no token', undefined, /missing/],
    [
      'an expired token',
      (x: string) =>
        token({
          tags: [
            ['t', 'upload'],
            ['x', x],
            ['expiration', `${time - 5}`],
          ],
        }),
      /expired/,
    ],
    [
      'a token without expiration',
      (x: string) =>
        token({
          tags: [
            ['t', 'upload'],
            ['x', x],
          ],
        }),
      /expir/,
    ],
    [
      'a token from the future',
      (x: string) =>
        token({
          created_at: time + 900,
          tags: [
            ['t', 'upload'],
            ['x', x],
            ['expiration', `${time + 999}`],
          ],
        }),
      /future/,
    ],
    [
      'another verb',
      (x: string) =>
        token({
          tags: [
            ['t', 'delete'],
            ['x', x],
            ['expiration', `${time + 99}`],
          ],
        }),
      /not for "upload"/,
    ],
    [
      'another kind',
      (x: string) =>
        token({
          kind: 1,
          tags: [
            ['t', 'upload'],
            ['x', x],
            ['expiration', `${time + 99}`],
          ],
        }),
      /kind 24242/,
    ],
    [
      'another server',
      (x: string) =>
        token({
          tags: [
            ['t', 'upload'],
            ['x', x],
            ['expiration', `${time + 99}`],
            ['server', 'cdn.example.com'],
          ],
        }),
      /another server/,
    ],
    [
      'no blob named',
      () =>
        token({
          tags: [
            ['t', 'upload'],
            ['expiration', `${time + 99}`],
          ],
        }),
      /names no blob/,
    ],
    ['garbage', () => 'Nostr !!!', /invalid base64 token/],
  ])('refuses an upload with %s', async (_, make, reason) => {
    const body = randomBytes(10)
    const response = await fetch(`${server.url}/upload`, {
      method: 'PUT',
      body: new Uint8Array(body),
      headers: make ? { authorization: make(sha256(body)) } : {},
    })
    expect(response.status).toBe(401)
    expect(response.headers.get('x-reason')).toMatch(reason)
    expect(stored()).toEqual([])
  })

  it('refuses a forged signature, and takes padded standard base64 as well as base64url', async () => {
    const body = randomBytes(10)
    const event = await createUploadAuth(signer(secret), sha256(body))
    const standard = (value: unknown) => `Nostr ${Buffer.from(JSON.stringify(value)).toString('base64')}`
    expect((await put(body, standard({ ...event, content: 'changed' }))).status).toBe(401)
    expect((await put(body, standard(event))).status).toBe(201)
  })

  it('refuses a body that is not the one the token names, and keeps nothing of it', async () => {
    const event = await createUploadAuth(signer(secret), sha256(Buffer.from('named')))
    const response = await put(Buffer.from('another'), encodeAuthorizationHeader(event))
    expect(response.status).toBe(409)
    expect(stored()).toEqual([])
  })

  it('refuses what is too large before and during the upload', async () => {
    const body = randomBytes(100_001)
    await expect(upload(body)).rejects.toMatchObject({ status: 413 })
    const event = await createUploadAuth(signer(secret), sha256(body))
    // Without a length: the limit is found while the body comes.
    const stream = new ReadableStream({
      start(controller) {
        controller.enqueue(new Uint8Array(body))
        controller.close()
      },
    })
    const headers = { authorization: encodeAuthorizationHeader(event) }
    const response = await fetch(`${server.url}/upload`, {
      method: 'PUT',
      body: stream,
      duplex: 'half',
      headers,
    })
    expect(response.status).toBe(413)
    expect(stored()).toEqual([])
  })

  it('lets nobody delete what others uploaded, and keeps a blob until its last owner deletes it', async () => {
    const body = randomBytes(10)
    const hash = sha256(body)
    const other = generateSecretKey()
    await upload(body)
    const remove = (key: Uint8Array) =>
      Actions.deleteBlob(server.url, hash, { onAuth: () => createDeleteAuth(signer(key), hash) })
    await expect(remove(other)).rejects.toMatchObject({ status: 404 })
    await put(body, encodeAuthorizationHeader(await createUploadAuth(signer(other), hash)))
    await remove(secret)
    expect(await Actions.hasBlob(server.url, hash)).toBe(true)
    await remove(other)
    expect(await Actions.hasBlob(server.url, hash)).toBe(false)
  })

  it('has its blobs again after a restart at the same address, without half an upload', async () => {
    const body = randomBytes(10)
    await upload(body)
    const port = Number(new URL(server.url).port)
    const half = new ReadableStream({ start: controller => controller.enqueue(new Uint8Array(5)) })
    const headers = {
      authorization: encodeAuthorizationHeader(await createUploadAuth(signer(secret), 'f'.repeat(64))),
    }
    const broken = expect(
      fetch(`${server.url}/upload`, { method: 'PUT', body: half, duplex: 'half', headers }),
    ).rejects.toThrow()
    await expect.poll(() => readdirSync(join(folder, 'incoming'))).toHaveLength(1)
    await server.close()
    await broken
    server = await startBlossom({ folder, port })
    expect(await Actions.hasBlob(server.url, sha256(body))).toBe(true)
    expect(stored()).toEqual([sha256(body)])
  })
})
