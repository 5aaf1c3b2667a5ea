import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const entry = fileURLToPath(new URL('./index.ts', import.meta.url))

/** Shared by all of the tests' processes; see vitest.config.ts. */
const compileCache = process.env.NODE_COMPILE_CACHE ?? ''

export interface Ran {
  code: number | null
  stdout: string
  stderr: string
  /** stdout as JSON lines. */
  json(): Record<string, unknown>[]
}

export interface Running {
  child: ChildProcess
  /** The first JSON line of this type on stdout, and of those the first that fits. */
  event(type: string, fits?: (line: Record<string, unknown>) => boolean): Promise<Record<string, unknown>>
  /** Resolves when stderr holds the text. */
  says(text: string): Promise<void>
  end: Promise<Ran>
}

export interface RunOptions {
  cwd?: string
  env?: Record<string, string>
  /** What is typed, then the end of the input. */
  input?: string
  /** A script of the test's own instead of the program, and its only argument. */
  script?: string
  argument?: string
}

/** The real program in a process of its own, without the surroundings' settings and with no terminal. */
export function start(args: string[], options: RunOptions = {}): Running {
  const { cwd = tmpdir(), env = {}, input = '', script, argument = '' } = options
  const what = script === undefined ? [entry, ...args] : ['--input-type=module', '-e', script, argument]
  const child = spawn(process.execPath, what, {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: '/nonexistent', NODE_COMPILE_CACHE: compileCache, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  let closed = false
  const watchers = new Set<() => void>()
  const heard = () => {
    for (const watcher of watchers) watcher()
  }
  child.stdout.on('data', chunk => {
    stdout += chunk
    heard()
  })
  child.stderr.on('data', chunk => {
    stderr += chunk
    heard()
  })
  // A program that ends before it has read everything is no failure of the test.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input)
  const lines = () => stdout.split('\n').slice(0, -1)
  const end = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => {
      closed = true
      heard()
      resolve({ code, stdout, stderr, json: () => lines().map(line => JSON.parse(line)) })
    })
  })
  const when = <T>(what: string, find: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const look = () => {
        const found = find()
        if (found !== undefined) resolve(found)
        else if (closed) reject(new Error(`ended without ${what}: ${stdout}\n${stderr}`))
        else return
        watchers.delete(look)
      }
      watchers.add(look)
      look()
    })
  return {
    child,
    end,
    event: (type, fits = () => true) =>
      when(type, () =>
        lines()
          .map(line => JSON.parse(line))
          .find(line => line.type === type && fits(line)),
      ),
    says: text =>
      when(text, () => (stderr.includes(text) ? (true as const) : undefined)).then(() => undefined),
  }
}

export const gradstr = (args: string[], options?: RunOptions): Promise<Ran> => start(args, options).end

export function temporaryFolder(): { path: string; at(name: string): string; remove(): void } {
  const path = mkdtempSync(join(tmpdir(), 'gradstr-cli-'))
  return {
    path,
    at: name => join(path, name),
    remove: () => rmSync(path, { recursive: true, force: true }),
  }
}
