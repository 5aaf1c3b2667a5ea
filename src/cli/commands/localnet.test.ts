import { existsSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import { start, temporaryFolder } from '../process.test-support.ts'

let folder: ReturnType<typeof temporaryFolder>
beforeEach(() => {
  folder = temporaryFolder()
})
afterEach(() => folder.remove())

const readyLine = z.object({ relay: z.string(), blossom: z.string(), mint: z.string(), folder: z.string() })

describe('gradstr localnet', () => {
  it('runs until interrupted, and leaves nothing behind', async () => {
    const running = start(['localnet', '--json'])
    const ready = readyLine.parse(await running.event('ready'))
    expect(ready.relay).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/)
    const info = await fetch(`${ready.mint}/v1/info`)
    expect(info.status).toBe(200)
    running.child.kill('SIGINT')
    const ran = await running.end
    expect(ran.code).toBe(0)
    expect(ran.json().at(-1)).toEqual({ type: 'result', stopped: true })
    expect(ran.stderr).toContain(`--relay ${ready.relay} --blossom ${ready.blossom} --mint ${ready.mint}`)
    expect(existsSync(ready.folder)).toBe(false)
    await expect(fetch(ready.mint)).rejects.toThrow()
  })

  it('goes on at the same addresses in the same folder', async () => {
    const addresses = []
    for (let i = 0; i < 2; i++) {
      const running = start(['localnet', '--json', '--folder', 'net'], { cwd: folder.path })
      addresses.push(readyLine.parse(await running.event('ready')))
      running.child.kill('SIGTERM')
      expect((await running.end).code).toBe(0)
    }
    expect(addresses[1]).toEqual(addresses[0])
    expect(existsSync(folder.at('net/ports.json'))).toBe(true)
  })
})
