import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { newMnemonic } from '../../../core/identity/index.ts'
import { writeTable } from '../../../core/jobs/home.test-support.ts'
import { type Localnet, startLocalnet, startRelay } from '../../../core/localnet/index.ts'
import { gradstr, start, temporaryFolder } from '../../process.test-support.ts'

// A relay that is not there, with a Blossom server and a mint that are.

let folder: ReturnType<typeof temporaryFolder>
let localnet: Localnet
let table: string
beforeAll(async () => {
  folder = temporaryFolder()
  localnet = await startLocalnet({ folder: folder.at('network') })
  table = writeTable(folder.at('data'), 60)
})
afterAll(async () => {
  await localnet.close()
  folder.remove()
})

const env = { GRADSTR_PASSPHRASE: 'correct horse' }
const flags = (home: string, ...relays: string[]) => [
  ...['--json', '--home', folder.at(home), '--blossom', localnet.blossom, '--mint', localnet.mint],
  ...relays.flatMap(url => ['--relay', url]),
]

/** Ports below 1024 are given out to nobody; the first ones have had no servers for decades. */
const [dead, deaf] = ['ws://127.0.0.1:1', 'ws://127.0.0.1:2'] as const

describe('a relay that cannot be reached', () => {
  it('is named to a customer, with the reason', async () => {
    const ran = await gradstr(['train', table, ...flags('buy', dead)], { env, cwd: folder.path })
    expect([ran.code, ran.json().at(-1)]).toMatchObject([1, { code: 'nostr/unreachable', where: dead }])
    expect(ran.stderr).toMatch(
      /Error: The relay cannot be reached \(connect ECONNREFUSED 127\.0\.0\.1:\d+\)\./,
    )
    expect(ran.stderr).toContain(`Where: ${dead}`)
  })

  it('is named to whoever recovers a job; beside one that answers, it is said that it does not', async () => {
    const recover = (home: string, ...relays: string[]) =>
      gradstr(['recover', table, ...flags(home, ...relays)], { env, input: newMnemonic() })
    const [all, some] = await Promise.all([
      recover('none', dead, deaf),
      recover('some', dead, localnet.relay),
    ])
    expect([all.code, all.json().at(-1)]).toMatchObject([1, { code: 'nostr/unreachable' }])
    expect(all.stderr).toContain(`${dead}: connect ECONNREFUSED`)
    expect(all.stderr).toContain(`${deaf}: connect ECONNREFUSED`)

    expect([some.code, some.json().at(-1)]).toMatchObject([1, { code: 'job/none-open' }])
    expect(some.stderr).toMatch(
      new RegExp(`${dead} does not answer \\(connect ECONNREFUSED.*going on without`),
    )
    expect(some.stderr).not.toContain(`${localnet.relay} does not answer`)
  })

  it('is named to a provider, who is told when it is there', async () => {
    const gone = await startRelay({ folder: folder.at('relay') })
    const { url } = gone
    const port = Number(new URL(url).port)
    await gone.close()
    const provider = start(['provide', '--threads', '1', ...flags('earn', url)], { env })
    await provider.says(`Not connected to ${url} (connect ECONNREFUSED`)
    const relay = await startRelay({ folder: folder.at('relay'), port })
    await provider.says(`Listening for jobs on ${url}.`)
    provider.child.kill('SIGTERM')
    const { stderr } = await provider.end
    expect(stderr.indexOf('Listening')).toBeGreaterThan(stderr.indexOf('Not connected'))
    await relay.close()
  })
})
