import { fork } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { enableCompileCache, getCompileCacheDir } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { oddTasks } from './client.test-tasks.ts'
import { type ComputeClient, type ComputeOptions, computeClient, safeEnvironment } from './client.ts'

let client: ComputeClient<typeof oddTasks>
const open = (options: Partial<ComputeOptions> = {}) => {
  client = computeClient(oddTasks, { entry: new URL('./client.test-worker.ts', import.meta.url), ...options })
  return client
}
afterEach(() => client.close())

const alive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
const until = (test: () => boolean) =>
  vi.waitFor(() => expect(test()).toBe(true), { timeout: 20_000, interval: 5 })
/** Starts the patient task and gives its worker's pid once it is at work. */
const patient = async (signal?: AbortSignal) => {
  let done: Promise<unknown> = Promise.resolve()
  const pid = await new Promise<number>((resolve, reject) => {
    done = client.run('patient', {}, { ...(signal && { signal }), onProgress: p => resolve(p.pid) })
    done.catch(reject)
  })
  return { pid, done }
}

describe('a call into a worker', () => {
  it('runs in another process, which the next call uses again', async () => {
    const { run } = open()
    const first = await run('whoami', {})
    expect(first.pid).not.toBe(process.pid)
    expect((await run('whoami', {})).pid).toBe(first.pid)
  })

  it('reports progress in order, all of it before the result', async () => {
    const told: number[] = []
    const { sum } = await open().run('count', { to: 100 }, { onProgress: p => told.push(p.n) })
    expect(sum).toBe(5050)
    expect(told).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
  })

  it('brings an error for the user whole, and names a defect as one', async () => {
    const { run } = open()
    await expect(run('fail', { how: 'user' })).rejects.toMatchObject({
      name: 'UserError',
      code: 'dataset/empty',
      message: 'No rows.',
      fix: 'Add some.',
      where: 'a.csv',
    })
    await expect(run('fail', { how: 'defect' })).rejects.toMatchObject({ code: 'internal/unexpected' })
  })

  it('is refused before it leaves when its input is wrong, and when its output is', async () => {
    const { run, pids } = open()
    await expect(run('count', { to: 1.5 })).rejects.toThrow(/int/)
    expect(pids()).toEqual([])
    await expect(run('fail', { how: 'output' })).rejects.toThrow(/expected number/)
  })

  it('keeps passphrases from the worker', async () => {
    process.env.GRADSTR_PASSPHRASE = 'secret'
    try {
      const { env } = await open().run('whoami', {})
      expect(env.PATH).toBe(process.env.PATH)
      expect(JSON.stringify(env)).not.toContain('secret')
      expect(safeEnvironment({ NODE_OPTIONS: '--inspect', A: 'b', C: undefined })).toEqual({ A: 'b' })
    } finally {
      delete process.env.GRADSTR_PASSPHRASE
    }
  })
})

describe('what a worker compiled', () => {
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-compiled-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  it('lies where its host keeps what it compiles itself', async () => {
    enableCompileCache(folder)
    const { env } = await open().run('whoami', {})
    expect(env.NODE_COMPILE_CACHE).toBe(dirname(getCompileCacheDir()!))
  })

  it('is kept as soon as a task is done, since workers are killed', async () => {
    const kept = join(folder, 'of-a-worker')
    await open({ env: { ...safeEnvironment(process.env), NODE_COMPILE_CACHE: kept } }).run('whoami', {})
    await until(() => readdirSync(kept).some(version => readdirSync(join(kept, version)).length > 0))
  })
})

describe('a worker that dies', () => {
  it('gives an error that says so, and the next call gets a new one', async () => {
    open()
    const { pid, done } = await patient()
    process.kill(pid, 'SIGKILL')
    await expect(done).rejects.toMatchObject({
      code: 'compute/worker-died',
      message: expect.stringMatching(/"patient" \(signal SIGKILL\)/),
    })
    expect((await client.run('whoami', {})).pid).not.toBe(pid)
  })

  it('is not one that Ctrl-C reached in a terminal, as it reaches every process of a command', async () => {
    open()
    const stop = new AbortController()
    const { pid, done } = await patient(stop.signal)
    process.kill(pid, 'SIGINT')
    stop.abort()
    await expect(done).rejects.toMatchObject({ code: 'compute/cancelled' })
    expect((await client.run('whoami', {})).pid).toBe(pid)
  })

  it('is quoted: its last words are in the message and in the log', async () => {
    const log: string[] = []
    await expect(open({ log: line => log.push(line) }).run('fail', { how: 'crash' })).rejects.toMatchObject({
      code: 'compute/worker-died',
      message: expect.stringMatching(/SIGABRT\): native: out of memory/),
    })
    expect(log).toContain('native: out of memory')
  })

  it('may die while it is idle: nobody notices', async () => {
    const { run } = open()
    const { pid } = await run('whoami', {})
    process.kill(pid, 'SIGKILL')
    await until(() => client.pids().length === 0)
    expect((await run('whoami', {})).pid).not.toBe(pid)
  })

  it('cannot even start: the error says why', async () => {
    client = open({ entry: new URL('./no-such-worker.ts', import.meta.url) })
    await expect(client.run('whoami', {})).rejects.toMatchObject({
      code: 'compute/worker-died',
      message: expect.stringMatching(/Cannot find module .*no-such-worker/),
    })
  })
})

describe('cancelling', () => {
  it('stops the work by message, so that the worker lives on', async () => {
    open()
    const stop = new AbortController()
    const { pid, done } = await patient(stop.signal)
    stop.abort()
    await expect(done).rejects.toMatchObject({ code: 'compute/cancelled' })
    expect((await client.run('whoami', {})).pid).toBe(pid)
  })

  it('kills a worker that does not listen, once the grace is over', async () => {
    const { run, pids } = open({ grace: 50 })
    const stop = new AbortController()
    const done = run('deaf', {}, { signal: stop.signal })
    done.catch(() => undefined)
    await until(() => pids().length === 1)
    const [pid] = pids()
    stop.abort()
    await expect(done).rejects.toMatchObject({ code: 'compute/cancelled' })
    await until(() => !alive(pid!))
  })

  it('kills at once a worker that does not hear and has its work on disk', async () => {
    const { run, pids } = open({ grace: 60_000 })
    const stop = new AbortController()
    const done = run('absorbed', {}, { signal: stop.signal })
    done.catch(() => undefined)
    await until(() => pids().length === 1)
    const [pid] = pids()
    stop.abort()
    await expect(done).rejects.toMatchObject({ code: 'compute/cancelled' })
    await until(() => !alive(pid!))
  })

  it('has nothing written any more once the call has ended, by a worker that has nothing to lose', async () => {
    const { run, pids } = open({ grace: 60_000 })
    const folder = mkdtempSync(join(tmpdir(), 'gradstr-client-'))
    const path = join(folder, 'scribble')
    const stop = new AbortController()
    const done = run('scribbling', { path }, { signal: stop.signal })
    done.catch(() => undefined)
    await until(() => existsSync(path))
    const [pid] = pids()
    stop.abort()
    await expect(done).rejects.toMatchObject({ code: 'compute/cancelled' })
    const { size } = statSync(path)
    await until(() => !alive(pid!))
    expect(statSync(path).size).toBe(size)
    rmSync(folder, { recursive: true })
  })

  // Elsewhere nothing tells before its end is reported.
  it.skipIf(process.platform !== 'linux')(
    'does not wait for the end of a killed worker, but its place in the line is free only then',
    async () => {
      const { run, close, pids } = open({ grace: 60_000, workers: 1 })
      const stop = new AbortController()
      let other: number | undefined
      const onProgress = ({ pid }: { pid: number }) => {
        other = pid
        stop.abort()
      }
      const done = run('holding', {}, { signal: stop.signal, onProgress })
      await expect(done).rejects.toMatchObject({ code: 'compute/cancelled' })
      expect(alive(other!)).toBe(true)
      const next = run('whoami', {})
      expect(pids()).toEqual([])
      process.kill(other!)
      expect((await next).pid).toBeGreaterThan(0)
      await close()
    },
  )

  it('leaves a worker that has heard the time to save its work', async () => {
    open()
    const stop = new AbortController()
    let pid: number | undefined
    const onProgress = (told: { pid: number }) => {
      pid = told.pid
      stop.abort()
    }
    const done = client.run('slow', {}, { signal: stop.signal, onProgress })
    await expect(done).rejects.toMatchObject({ code: 'compute/cancelled' })
    expect(client.pids()).toEqual([pid])
  })

  it('takes a call out of the line, and the line goes on', async () => {
    const { run } = open({ workers: 1 })
    const [first, second] = [new AbortController(), new AbortController()]
    const { done } = await patient(first.signal)
    const waiting = run('whoami', {}, { signal: second.signal })
    const last = run('count', { to: 3 })
    second.abort()
    await expect(waiting).rejects.toMatchObject({ code: 'compute/cancelled' })
    first.abort()
    await expect(done).rejects.toMatchObject({ code: 'compute/cancelled' })
    expect(await last).toEqual({ sum: 6 })
  })

  it('does not start what was cancelled beforehand', async () => {
    const { run, pids } = open()
    await expect(run('whoami', {}, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'compute/cancelled',
    })
    expect(pids()).toEqual([])
  })
})

describe('the number of workers', () => {
  it('never passes the limit, whoever calls', async () => {
    const { run, pids } = open({ workers: 2 })
    const calls = Array.from({ length: 8 }, () =>
      run('whoami', {}).then(({ pid }) => ({ pid, now: pids().length })),
    )
    const seen = await Promise.all(calls)
    expect(Math.max(...seen.map(s => s.now))).toBe(2)
    expect(new Set(seen.map(s => s.pid)).size).toBe(2)
  })

  it('falls to none when there is nothing to do', async () => {
    const { run, pids } = open({ idle: 1 })
    const { pid } = await run('whoami', {})
    await until(() => pids().length === 0 && !alive(pid))
  })
})

describe('the end', () => {
  it('kills all workers on close, and refuses further calls', async () => {
    open({ workers: 1 })
    const { pid, done } = await patient()
    const waiting = client.run('whoami', {})
    const both = Promise.allSettled([done, waiting])
    await client.close()
    await until(() => !alive(pid))
    expect(await both).toMatchObject([
      { reason: { code: 'compute/worker-died' } },
      { reason: { code: 'compute/closed' } },
    ])
    await expect(client.run('whoami', {})).rejects.toMatchObject({ code: 'compute/closed' })
  })

  it('comes by itself to a worker whose host was killed', async () => {
    open()
    const host = fork(new URL('./client.test-host.ts', import.meta.url), { execArgv: [] })
    const [pid] = (await once(host, 'message')) as [number]
    expect(alive(pid)).toBe(true)
    host.kill('SIGKILL')
    await until(() => !alive(pid))
  })

  it('comes to a worker that hears nothing when its host ends at once', async () => {
    open()
    const host = fork(new URL('./client.test-host.ts', import.meta.url), ['deaf'], { execArgv: [] })
    const [pid] = (await once(host, 'message')) as [number]
    host.send('end')
    await until(() => !alive(pid))
  })
})
