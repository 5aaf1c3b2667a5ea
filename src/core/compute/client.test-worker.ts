import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFileSync } from 'node:fs'
import { setTimeout as later } from 'node:timers/promises'
import { UserError } from '../../shared/errors.ts'
import { oddTasks } from './client.test-tasks.ts'
import { serve } from './serve.ts'

const hearNothing = () => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60_000)
  return {}
}

serve(
  oddTasks,
  {
    whoami: async () => ({ pid: process.pid, env: process.env as Record<string, string> }), // no variable is undefined
    async count({ to }, { progress }) {
      let sum = 0
      for (let n = 1; n <= to; n++) {
        sum += n
        progress({ n })
      }
      return { sum }
    },
    async fail({ how }) {
      if (how === 'user')
        throw new UserError('dataset/empty', { message: 'No rows.', fix: 'Add some.', where: 'a.csv' })
      if (how === 'defect') throw new TypeError('undefined is not a function')
      if (how === 'output') return { x: 'text' as unknown as number } // the point of this one
      process.stderr.write('native: out of memory\n', () => process.abort())
      return new Promise(() => undefined)
    },
    async patient(_, { signal, progress }) {
      progress({ pid: process.pid })
      await later(60_000, undefined, { signal })
      return {}
    },
    async deaf(_, { progress }) {
      progress({ pid: process.pid })
      return hearNothing()
    },
    absorbed: async () => hearNothing(),
    async holding(_, { progress }) {
      const { pid } = spawn('sleep', ['60'], { stdio: ['ignore', 'ignore', 'inherit'] })
      progress({ pid: pid! })
      return new Promise(() => undefined)
    },
    async scribbling({ path }, { progress }) {
      progress({})
      for (;;) {
        for (let i = 0; i < 100; i++) appendFileSync(path, 'x')
        await later()
      }
    },
    async slow(_, { signal, progress }) {
      const stopped = once(signal, 'abort')
      progress({ pid: process.pid })
      await stopped
      await later(1200)
      return {}
    },
  },
  process,
)
