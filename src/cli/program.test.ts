import type { Command } from 'commander'
import { describe, expect, it } from 'vitest'
import { gradstr } from './process.test-support.ts'
import { program } from './program.ts'

const linesOf = (text: string) => text.trimEnd().split('\n')

describe('the command line', () => {
  it('answers help and version on stdout with exit code 0', async () => {
    const [bare, flag, version, command] = await Promise.all([
      gradstr([]),
      gradstr(['--help']),
      gradstr(['--version']),
      gradstr(['wallet', 'topup', '--help']),
    ])
    expect([bare, flag, version, command].map(r => [r.code, r.stderr])).toEqual(Array(4).fill([0, '']))
    expect(bare.stdout).toBe(flag.stdout)
    for (const word of ['inspect', 'wallet', 'localnet', '--relay', 'Exit codes'])
      expect(flag.stdout).toContain(word)
    expect(version.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
    expect(command.stdout).toContain('--no-wait')
    expect(command.stdout).toContain('--mint <url>')
  })

  it('keeps every help within 80 columns, and says where a model goes that has no --out', () => {
    let said = ''
    const stdout = { write: (text: string) => (said += text) } as unknown as NodeJS.WriteStream
    const helpOf = (command: Command): [string, string][] => {
      said = ''
      command.outputHelp()
      return [[command.name(), said], ...command.commands.flatMap(helpOf)]
    }
    const { stdin, stderr, env } = process
    const cli = { stdin, stdout, stderr, env, cwd: '.', signal: new AbortController().signal, now: Date.now }
    const helps = helpOf(program(cli))
    expect(helps.length).toBeGreaterThan(15)
    for (const [name, help] of helps)
      for (const line of help.split('\n')) expect([name, line, line.length <= 80]).toEqual([name, line, true])
    expect(new Map(helps).get('train')).toMatch(/--out <folder>.*\n?.*NAME-model/)
    expect(new Map(helps).get('demo')).toMatch(/--out <folder>.*\n?.*gradstr-demo-model/)
  })

  it('says what to type next as it was started itself', async () => {
    const env = { GRADSTR_COMMAND: 'npm run -s gradstr --' }
    const [asProgram, inClone] = await Promise.all([
      gradstr(['inspect', 'a', 'b']),
      gradstr(['inspect', 'a', 'b'], { env }),
    ])
    expect(asProgram.stderr).toContain('`gradstr inspect --help`')
    expect(inClone.stderr).toContain('`npm run -s gradstr -- inspect --help`')
  })

  it.concurrent.each([
    [['inspekt', 'x.csv'], 'usage/unknown-command', /Unknown command 'inspekt'/, /Did you mean inspect\?/],
    [['inspect', 'x.csv', '--targte', 'y'], 'usage/unknown-option', /--targte/, /Did you mean --target\?/],
    [['inspect'], 'usage/missing-argument', /dataset/, /gradstr inspect --help/],
    [['inspect', 'a', 'b'], 'usage/excess-arguments', /Too many arguments/, /gradstr inspect --help/],
    [['inspect', 'a', '--sample', '0'], 'usage/invalid-argument', /--sample "0": It takes a whole/, /--help/],
    [['inspect', 'a', '--task', 'magic'], 'usage/invalid-argument', /classification, regression/, /--help/],
    [['inspect', 'a', '--target'], 'usage/option-missing-argument', /--target <column>/, /--help/],
    [['wallet', 'topup', '-5'], 'usage/invalid-argument', /<sats> "-5": It takes/, /wallet topup --help/],
    [
      ['wallet', 'topup', '0'],
      'usage/invalid-argument',
      /<sats> "0": It takes a whole number of sats/,
      /--help/,
    ],
    [['demo', '--relay', 'wss://relay.example'], 'usage/demo-network', /network of its own/, /gradstr train/],
    [['localnet', '--mint', 'mint.example'], 'usage/bad-url', /"mint.example" is not a web address/, /https/],
    [
      ['train', 'x.csv', '--budget', '0'],
      'usage/invalid-argument',
      /--budget "0": It takes a whole number of sats/,
      /train --help/,
    ],
    [
      ['localnet', '--relay', 'https://r.example'],
      'usage/bad-url',
      /"https:\/\/r.example" is not a relay/,
      /wss:/,
    ],
    [['localnet', '--home', ''], 'usage/empty-home', /empty name/, /--home/],
  ])('refuses %j with %s', async (args, code, message, fix) => {
    const ran = await gradstr([...args, '--json'])
    expect(ran.code).toBe(2)
    expect(ran.json()).toEqual([
      {
        type: 'error',
        code,
        message: expect.stringMatching(message),
        fix: expect.stringMatching(fix),
        ...at(ran),
      },
    ])
    const lines = linesOf(ran.stderr)
    expect(lines.length).toBeGreaterThanOrEqual(2)
    expect(lines.length).toBeLessThanOrEqual(3)
    expect(lines[0]).toMatch(/^Error: /)
    expect(lines.at(-1)).toMatch(/^Fix: /)
  })

  it('writes no colours where there is no terminal', async () => {
    const { stderr } = await gradstr(['nonsense'])
    expect(stderr).not.toContain('\u001b')
  })

  it('tells what the operating system refuses without a stack', async () => {
    const below = await gradstr(
      ['wallet', 'topup', '5', '--home', '/dev/null/x', '--mint', 'http://127.0.0.1:1'],
      {
        env: { GRADSTR_PASSPHRASE: 'x' },
      },
    )
    expect([below.code, linesOf(below.stderr).length]).toEqual([1, 3])
    expect(below.stderr).not.toMatch(/\n\s+at /)
  })
})

/** Some errors have a place, some say it in the message. */
const at = (ran: { json(): Record<string, unknown>[] }) => {
  const where = ran.json()[0]?.where
  return where === undefined ? {} : { where: expect.any(String) }
}
