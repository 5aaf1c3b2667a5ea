import { createHash, randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { generateSecretKey } from 'nostr-tools/pure'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { bytes } from '../../shared/units.ts'
import { keyPair } from '../identity/index.ts'
import { type LocalBlossom, startBlossom } from '../localnet/index.ts'
import { type Database, migrate, openDatabase } from '../store/index.ts'
import { type Fault, type FaultyProxy, startFaultyProxy } from './faulty-proxy.test-support.ts'
import { type Blobs, createBlobs, type Manifest, manifest, type ServerProblem } from './index.ts'

const signer = keyPair(generateSecretKey())
const type = 'application/octet-stream'
/** Small, so that several chunks take milliseconds; format.test.ts has the sizes. */
const chunkSize = 64 * 1024

/** Two good servers, a proxy before the first that can spoil it, and a home that uploads and downloads. */
interface Scene {
  folder: string
  good: LocalBlossom
  second: LocalBlossom
  proxy: FaultyProxy
  db: Database
  blobs: Blobs
  problems: ServerProblem[]
}

let scene: Scene
beforeEach(async () => {
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-blobs-'))
  const good = await startBlossom({ folder: join(folder, 'good') })
  const second = await startBlossom({ folder: join(folder, 'second') })
  const proxy = await startFaultyProxy(good.url)
  const db = openDatabase(join(folder, 'home.db'))
  migrate(db)
  const problems: ServerProblem[] = []
  const blobs = createBlobs({
    db,
    folder: join(folder, 'home'),
    policy: () => undefined,
    // Long for a busy machine, short for the tests that wait for it.
    stallMs: 1500,
    chunkSize: bytes(chunkSize),
    report: problem => problems.push(problem),
  })
  scene = { folder, good, second, proxy, db, blobs, problems }
})
afterEach(async () => {
  await scene.proxy.close()
  await scene.good.close()
  await scene.second.close()
  scene.db.close()
  rmSync(scene.folder, { recursive: true, force: true })
})

function file(size: number, name = 'plain'): { path: string; plain: Buffer } {
  const path = join(scene.folder, name)
  const plain = randomBytes(size)
  writeFileSync(path, plain)
  return { path, plain }
}
const target = () => join(scene.folder, 'target', 'file')
const upload = (path: string, servers: string[], more: { purpose?: string; signal?: AbortSignal } = {}) =>
  scene.blobs.upload(path, { servers, signer, type, ...more })
const download = (from: Manifest, servers: string[], maxBytes = 100_000_000, signal?: AbortSignal) =>
  scene.blobs.download(from, target(), { servers, maxBytes: bytes(maxBytes), ...(signal ? { signal } : {}) })
/** Everything that this home has on disk for transfers. */
const leftovers = () =>
  ['outgoing', 'incoming'].flatMap(name => readdirSync(join(scene.folder, 'home', name)))
const stored = (server: 'good' | 'second') => readdirSync(join(scene.folder, server, 'blobs')).toSorted()
const hashes = (blob: Manifest) => blob.chunks.map(chunk => chunk.sha256).toSorted()
const on = (method: string, fault: Fault) => (request: IncomingMessage) =>
  request.method === method ? fault : undefined
const puts = () => scene.proxy.seen.filter(line => line.startsWith('PUT'))

describe('upload and download', () => {
  it.each([0, 1, chunkSize, 2 * chunkSize + 1])(
    'brings %i bytes back from any one of the servers',
    async size => {
      const { path, plain } = file(size)
      const blob = await upload(path, [scene.good.url, `${scene.second.url}/`])
      expect(manifest.parse(JSON.parse(JSON.stringify(blob)))).toEqual(blob)
      expect(blob.servers).toEqual([scene.good.url, scene.second.url])
      for (const server of [scene.good.url, scene.second.url]) {
        await download(blob, [server])
        expect(readFileSync(target()).equals(plain)).toBe(true)
        rmSync(target())
      }
      expect(leftovers()).toEqual([])
    },
  )

  it('stores nothing that the plaintext or its hash can be found in', async () => {
    const { path, plain } = file(1000)
    const blob = await upload(path, [scene.good.url])
    expect(stored('good')).toEqual(hashes(blob))
    expect(hashes(blob)).not.toContain(createHash('sha256').update(plain).digest('hex'))
    const cipher = readFileSync(join(scene.folder, 'good', 'blobs', blob.chunks[0]!.sha256))
    expect(cipher.includes(plain.subarray(0, 16))).toBe(false)
  })

  it('sends the same bytes only once, under one key, and other bytes or purposes under another', async () => {
    const { path } = file(chunkSize + 5)
    const first = await upload(path, [scene.proxy.url])
    expect(puts()).toHaveLength(2)
    expect(await upload(path, [scene.proxy.url])).toEqual(first)
    expect(puts()).toHaveLength(2)
    expect((await upload(path, [scene.proxy.url], { purpose: 'another' })).key).not.toBe(first.key)
    const other = await upload(file(10, 'other').path, [scene.proxy.url])
    expect(other.key).not.toBe(first.key)
  })

  it('draws one key when the same file is uploaded twice at the same time', async () => {
    const { path } = file(1000)
    const [one, two] = await Promise.all([upload(path, [scene.good.url]), upload(path, [scene.good.url])])
    expect(one).toEqual(two)
  })

  it('sends again, under the same key, what a server has lost', async () => {
    const { path } = file(2 * chunkSize + 5)
    const blob = await upload(path, [scene.good.url])
    await scene.blobs.remove({ ...blob, chunks: [blob.chunks[1]!], key: 'not this key' }, { signer })
    expect(stored('good')).toHaveLength(2)
    expect(await upload(path, [scene.proxy.url])).toEqual({ ...blob, servers: [scene.proxy.url] })
    expect(puts()).toHaveLength(1)
    expect(stored('good')).toEqual(hashes(blob))
  })

  it('deletes a blob from its servers and forgets its key', async () => {
    const { path } = file(chunkSize + 1)
    const blob = await upload(path, [scene.good.url, scene.second.url])
    await scene.blobs.remove(blob, { signer })
    expect([...stored('good'), ...stored('second')]).toEqual([])
    await scene.blobs.remove(blob, { signer })
    expect((await upload(path, [scene.good.url])).key).not.toBe(blob.key)
  })

  it('puts a manifest too long for an event into a blob of its own, and sees through it', async () => {
    const { path, plain } = file(70 * chunkSize)
    const blob = await upload(path, [scene.good.url])
    expect(JSON.stringify(blob).length).toBeLessThan(1000)
    expect(stored('good')).toHaveLength(71)
    await download(blob, [scene.good.url])
    expect(readFileSync(target()).equals(plain)).toBe(true)
    await expect(download(blob, [scene.good.url], 70 * chunkSize - 1)).rejects.toMatchObject({
      code: 'blobs/too-large',
    })
    await expect(
      upload(file(10, 'no-manifest').path, [scene.good.url]).then(other =>
        download({ ...other, type: blob.type }, [scene.good.url]),
      ),
    ).rejects.toMatchObject({ code: 'blobs/bad-manifest' })
    await scene.blobs.remove(blob, { signer })
    expect(stored('good')).toHaveLength(1)
    expect(leftovers()).toEqual([])
  })

  it('says which server did not delete', async () => {
    const blob = await upload(file(10).path, [scene.good.url])
    const stranger = keyPair(generateSecretKey())
    scene.proxy.fault = on('DELETE', { kind: 'answer', status: 403, reason: 'not yours' })
    await expect(
      scene.blobs.remove({ ...blob, servers: [scene.proxy.url] }, { signer: stranger }),
    ).rejects.toMatchObject({ code: 'blobs/not-deleted', message: expect.stringContaining('not yours') })
  })
})

describe('an upload', () => {
  it.each<[string, Fault, RegExp]>([
    ['is full', { kind: 'answer', status: 507, reason: 'disk quota' }, /is full \(507\): disk quota/],
    ['finds it too large', { kind: 'answer', status: 413 }, /too large \(413\)/],
    ['refuses octet-stream', { kind: 'answer', status: 415, reason: 'images only' }, /415.*images only/],
    ['wants money', { kind: 'answer', status: 402 }, /payment/],
    ['fails', { kind: 'answer', status: 500 }, /fails \(500\)/],
    ['never answers', { kind: 'stall' }, /stalls|stalled/],
    ['stores something else', { kind: 'misreport' }, /something else/],
    [
      'redirects the body',
      { kind: 'answer', status: 307, headers: { location: 'http://127.0.0.1:1/' } },
      /redirects/,
    ],
  ])('goes on with the second server when the first %s', async (_, fault, reason) => {
    scene.proxy.fault = on('PUT', fault)
    const { path, plain } = file(1000)
    const blob = await upload(path, [scene.proxy.url, scene.second.url])
    expect(blob.servers).toEqual([scene.second.url])
    expect(scene.problems).toMatchObject([{ server: scene.proxy.url, reason: expect.stringMatching(reason) }])
    await download(blob, [scene.second.url])
    expect(readFileSync(target())).toEqual(plain)
    expect(leftovers()).toEqual([])
  })

  it('asks a server once before the first body, and sends none to one that refuses (BUD-06)', async () => {
    scene.proxy.fault = on('HEAD', { kind: 'answer', status: 415, reason: 'images only' })
    const { path } = file(3 * chunkSize)
    await upload(path, [scene.proxy.url, scene.second.url])
    expect(scene.proxy.seen).toEqual(['HEAD /upload'])
    scene.proxy.fault = on('HEAD', { kind: 'answer', status: 404 })
    await upload(path, [scene.proxy.url], { purpose: 'a server without BUD-06' })
    expect(puts()).toHaveLength(3)
  })

  it('names every server and its reason when none takes it, and leaves nothing behind', async () => {
    scene.proxy.fault = () => ({ kind: 'answer', status: 507, reason: 'quota' })
    const gone = await startBlossom({ folder: join(scene.folder, 'gone') })
    await gone.close()
    const { path } = file(1000)
    const failure = upload(path, [scene.proxy.url, gone.url])
    await expect(failure).rejects.toMatchObject({ code: 'blobs/not-stored' })
    await expect(failure).rejects.toThrow(
      new RegExp(`${scene.proxy.url}: is full.*quota.*${gone.url}.*ECONNREFUSED`),
    )
    expect(leftovers()).toEqual([])
  })

  it('speaks padded standard base64 to a server that reads nothing else, and remembers it', async () => {
    // As khatru: Go's base64.StdEncoding refuses the alphabet and the missing padding of base64url.
    let refused = 0
    scene.proxy.fault = request => {
      const token = /^Nostr (.*)$/.exec(request.headers.authorization ?? '')?.[1]
      if (token === undefined || Buffer.from(token, 'base64').toString('base64') === token) return undefined
      refused++
      return { kind: 'answer', status: 400, reason: 'invalid base64 token' }
    }
    // Long enough that one of several tokens does need padding or one of the two other letters.
    const blob = await upload(file(3 * chunkSize).path, [scene.proxy.url])
    await upload(file(3 * chunkSize, 'more').path, [scene.proxy.url])
    await scene.blobs.remove(blob, { signer })
    expect(refused).toBeGreaterThan(0)
    expect(refused).toBeLessThanOrEqual(3)
    expect(scene.problems).toEqual([])
  })

  it('refuses to send a file that changed under a key that is known', async () => {
    const { path } = file(2 * chunkSize)
    const blob = await upload(path, [scene.good.url])
    await scene.blobs.remove({ ...blob, key: 'not this key' }, { signer })
    const changed = randomBytes(2 * chunkSize)
    // Changes just when the server is asked what it has: after the file was hashed, before it is sealed.
    scene.proxy.fault = request => {
      if (request.method === 'HEAD') writeFileSync(path, changed)
      return undefined
    }
    await expect(upload(path, [scene.proxy.url])).rejects.toMatchObject({
      code: 'blobs/changed',
      where: path,
    })
    expect(puts()).toEqual([])
    expect(leftovers()).toEqual([])
  })

  it('stops at the caller’s signal', async () => {
    const controller = new AbortController()
    scene.proxy.fault = () => {
      controller.abort(new Error('stopped'))
      return { kind: 'stall' }
    }
    const { path } = file(1000)
    await expect(upload(path, [scene.proxy.url], { signal: controller.signal })).rejects.toThrow('stopped')
    expect(leftovers()).toEqual([])
  })
})

describe('a download', () => {
  const faults: [string, Fault, RegExp][] = [
    ['corrupts', { kind: 'corrupt' }, /other bytes/],
    ['breaks off', { kind: 'cut' }, /breaks off/],
    ['lies about the size', { kind: 'short' }, /says it has \d+ bytes instead of \d+/],
    ['never stops sending', { kind: 'endless' }, /sends more than/],
    ['stalls', { kind: 'stall' }, /stalls/],
    ['fails', { kind: 'answer', status: 500 }, /fails \(500\)/],
    ['has lost it', { kind: 'answer', status: 404 }, /does not have it/],
  ]

  it.each(faults)('takes the second server when the first %s', async (_, fault, reason) => {
    const { path, plain } = file(2 * chunkSize + 100)
    const blob = await upload(path, [scene.proxy.url, scene.second.url])
    scene.proxy.fault = on('GET', fault)
    await download(blob, [scene.proxy.url, scene.second.url])
    expect(readFileSync(target()).equals(plain)).toBe(true)
    expect(scene.problems[0]).toMatchObject({
      server: scene.proxy.url,
      reason: expect.stringMatching(reason),
    })
    expect(leftovers()).toEqual([])
  })

  it.each(faults)(
    'fails with the reason, and leaves nothing behind, when the only server %s',
    async (_, fault, reason) => {
      const blob = await upload(file(1000).path, [scene.proxy.url])
      scene.proxy.fault = on('GET', fault)
      const failure = download(blob, [scene.proxy.url])
      await expect(failure).rejects.toMatchObject({ code: 'blobs/not-found' })
      await expect(failure).rejects.toThrow(reason)
      expect(existsSync(target())).toBe(false)
      expect(leftovers()).toEqual([])
    },
  )

  it('keeps verified chunks of an interrupted download, checks them again, and fetches only the rest', async () => {
    const { path, plain } = file(4 * chunkSize)
    const blob = await upload(path, [scene.proxy.url])
    const missing = `/${blob.chunks[3]!.sha256}`
    scene.proxy.fault = request => (request.url === missing ? { kind: 'answer', status: 503 } : undefined)
    await expect(download(blob, [scene.proxy.url])).rejects.toMatchObject({ code: 'blobs/not-found' })
    const [part = ''] = readdirSync(join(scene.folder, 'home', 'incoming'))
    // A torn write: the second chunk is not what was verified.
    const content = readFileSync(join(scene.folder, 'home', 'incoming', part))
    content.fill(0, chunkSize + 1000, chunkSize + 2000)
    writeFileSync(join(scene.folder, 'home', 'incoming', part), content)
    scene.proxy.fault = () => undefined
    scene.proxy.seen.length = 0
    await download(blob, [scene.proxy.url])
    expect(scene.proxy.seen.toSorted()).toEqual(
      [`GET /${blob.chunks[1]!.sha256}`, `GET ${missing}`].toSorted(),
    )
    expect(readFileSync(target()).equals(plain)).toBe(true)
    expect(leftovers()).toEqual([])
  })

  it('is refused before anything is fetched when the manifest says more than was agreed', async () => {
    const blob = await upload(file(1000).path, [scene.proxy.url])
    scene.proxy.seen.length = 0
    await expect(download(blob, [scene.proxy.url], 999)).rejects.toMatchObject({ code: 'blobs/too-large' })
    expect(scene.proxy.seen).toEqual([])
    await download(blob, [scene.proxy.url], 1000)
  })

  it('asks no server that is not allowed', async () => {
    const blob = await upload(file(1000).path, [scene.proxy.url])
    scene.proxy.seen.length = 0
    await expect(download(blob, [scene.second.url])).rejects.toMatchObject({ code: 'blobs/not-found' })
    expect(scene.proxy.seen).toEqual([])
  })

  it('replaces what was at the target only when it is complete', async () => {
    const blob = await upload(file(1000).path, [scene.proxy.url])
    mkdirSync(join(scene.folder, 'target'))
    writeFileSync(target(), 'old')
    scene.proxy.fault = on('GET', { kind: 'cut' })
    await expect(download(blob, [scene.proxy.url])).rejects.toThrow()
    expect(readFileSync(target(), 'utf8')).toBe('old')
  })

  it.each<[string, (blob: Manifest) => Manifest]>([
    ['another key', blob => ({ ...blob, key: 'a'.repeat(64) })],
    ['its chunks in another order', blob => ({ ...blob, chunks: blob.chunks.toReversed() })],
    ['its end left out', blob => ({ ...blob, chunks: blob.chunks.slice(0, 1), size: bytes(chunkSize) })],
    ['another hash of the whole', blob => ({ ...blob, sha256: 'a'.repeat(64) })],
  ])('refuses a manifest with %s, and keeps nothing', async (_, change) => {
    const blob = await upload(file(2 * chunkSize).path, [scene.good.url])
    await expect(download(change(blob), [scene.good.url])).rejects.toMatchObject({
      code: 'blobs/bad-manifest',
    })
    expect(existsSync(target())).toBe(false)
    expect(leftovers()).toEqual([])
  })

  it('follows redirects only to addresses that the policy allows', async () => {
    const { path, plain } = file(1000)
    const blob = await upload(path, [scene.good.url])
    const location = `${scene.good.url}/${blob.chunks[0]!.sha256}`
    scene.proxy.fault = on('GET', { kind: 'answer', status: 302, headers: { location } })
    const db = scene.db
    const wary = createBlobs({
      db,
      folder: join(scene.folder, 'wary'),
      policy: url => (url.origin === scene.proxy.url ? undefined : 'is not allowed'),
    })
    const want = { servers: [scene.proxy.url], maxBytes: bytes(1000) }
    await expect(wary.download(blob, target(), want)).rejects.toThrow(`${scene.good.url} is not allowed`)
    await scene.blobs.download(blob, target(), want)
    expect(readFileSync(target())).toEqual(plain)
  })
})
