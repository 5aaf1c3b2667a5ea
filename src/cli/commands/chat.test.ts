import { writeFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { gradstr, temporaryFolder } from '../process.test-support.ts'

let folder: ReturnType<typeof temporaryFolder>
const run = (input: string, ...args: string[]) => gradstr(args, { cwd: folder.path, input })

beforeAll(async () => {
  folder = temporaryFolder()
  const said = (content: string, role = 'user') => ({ role, content })
  const record = JSON.stringify({ messages: [said('hi'), said('yes', 'assistant')] })
  writeFileSync(folder.at('talk.jsonl'), `${record}\n`.repeat(400))
  writeFileSync(folder.at('plain.txt'), 'one two three four five six seven eight nine ten '.repeat(60))
  const train = (...args: string[]) => run('', 'train-local', ...args, '--block', '16', '--threads', '1')
  const talk = await train('talk.jsonl', '--out', 'talk', '--steps', '150')
  const plain = await train('plain.txt', '--as', 'text', '--out', 'plain', '--steps', '2')
  expect([talk.stderr, talk.code, plain.code]).toEqual(['Reading the dataset …\n', 0, 0])
}, 240_000)
afterAll(() => folder.remove())

describe('gradstr chat', () => {
  it('answers as it learned, turn by turn, until /exit', async () => {
    const ran = await run('hi\n\nhi\n/exit\nhi\n', 'chat', 'talk', '--temperature', '0', '--json')
    expect(ran.code).toBe(0)
    const answers = ran.json().filter(({ type }) => type === 'answer')
    expect(answers.map(({ text }) => text)).toEqual(['yes', 'yes'])
    expect(ran.json().at(-1)).toMatchObject({ type: 'result', messages: { length: 4 } })
  })

  it('says what it cannot read, and goes on', async () => {
    const ran = await run('Ω\nhi\n', 'chat', 'talk', '--temperature', '0')
    expect(ran.code).toBe(0)
    expect(ran.stderr).toMatch(/"Ω" \(U\+03A9\)/)
    expect(ran.stdout).toBe('yes\n')
  })

  it('refuses a model that was not trained on conversations, and what is no language model', async () => {
    const [plain, none] = await Promise.all([run('', 'chat', 'plain'), run('', 'chat', '.')])
    expect([plain.code, none.code]).toEqual([1, 1])
    expect(plain.stderr).toMatch(/not trained on conversations/)
    expect(none.stderr).toMatch(/not the folder of a language model/)
  })
})

describe('gradstr predict', () => {
  it('goes on with a text, the same for the same seed', async () => {
    const write = (...more: string[]) =>
      run('', 'predict', 'plain', 'one two', '--tokens', '5', '--json', ...more)
    const [first, again] = await Promise.all([write('--seed', '3'), write('--seed', '3')])
    const result = first.json().at(-1)
    expect(result).toMatchObject({ type: 'result', tokens: 5 })
    expect(again.json().at(-1)?.text).toBe(result?.text)
    const long = await run('', 'predict', 'plain', 'one '.repeat(20))
    expect([long.code, long.stderr]).toEqual([
      1,
      expect.stringMatching(/has 80 tokens; this model sees at most 16/),
    ])
  })
})
