import { resolve } from 'node:path'
import { createInterface, type Interface } from 'node:readline'
import type { Command } from 'commander'
import type { Compute } from '../../core/compute/index.ts'
import type { Message } from '../../core/models/index.ts'
import { reportOf, UserError } from '../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../cli.ts'
import { errorLines } from '../report.ts'
import { type WritingOptions, writingOptions } from '../writing/options.ts'

/** The model stays loaded while the person thinks: longer than this no timer lasts. */
const STAYS = { idle: 2 ** 31 - 1 }

const help = `
DIR is the folder of a language model that was trained on conversations: JSON
lines with "messages". Answers come as they are written; Ctrl-C stops one, /exit
or Ctrl-D ends the conversation. The oldest messages are forgotten once it is
longer than the model can see.`

export function addChat(gradstr: Command, cli: Cli): void {
  const command = gradstr
    .command('chat')
    .description('talk to a language model')
    .argument('<dir>', 'the model’s folder')
    .option('--system <text>', 'what the model is told before the conversation')
  writingOptions(command)
    .addHelpText('after', help)
    .action(async (dir: string, options: WritingOptions & { system?: string }, it: Command) =>
      chat(await callOf(cli, it), dir, options),
    )
}

async function chat(
  call: Call,
  dir: string,
  { system, ...options }: WritingOptions & { system?: string },
): Promise<void> {
  const { cli, report, signal } = call
  const [{ withCompute }, { checkChat }] = await Promise.all([
    import('../compute.ts'),
    import('../../core/models/index.ts'),
  ])
  const model = resolve(cli.cwd, dir)
  await checkChat(model, options.base === undefined ? undefined : resolve(cli.cwd, options.base))
  const messages: Message[] = system === undefined ? [] : [{ role: 'system', content: system }]
  await withCompute(
    call,
    async compute => {
      const terminal = cli.stdin.isTTY === true
      const lines = createInterface({ input: cli.stdin, output: cli.stderr, terminal, prompt: '> ' })
      try {
        await conversation(call, compute, lines, { model, messages, options })
      } finally {
        lines.close()
      }
    },
    STAYS,
  )
  signal.throwIfAborted()
  report.result({ messages })
}

interface Conversation {
  model: string
  messages: Message[]
  options: WritingOptions
}

async function conversation(
  call: Call,
  compute: Compute,
  lines: Interface,
  { model, messages, options }: Conversation,
): Promise<void> {
  const { signal } = call
  let answering: AbortController | undefined
  // In a terminal readline takes Ctrl-C for itself: while an answer comes it ends that, else the program.
  lines.on('SIGINT', () => (answering ? answering.abort() : process.kill(process.pid, 'SIGINT')))
  signal.addEventListener('abort', () => lines.close(), { once: true })
  // The end of the input may come while an answer is written.
  let ended = false
  lines.once('close', () => {
    ended = true
  })
  lines.prompt()
  for await (const line of lines) {
    if (line.trim() === '/exit') return
    if (line.trim() !== '') {
      answering = new AbortController()
      const stop = AbortSignal.any([signal, answering.signal])
      await turn(call, compute, line, { model, messages, options }, stop)
      answering = undefined
    }
    if (signal.aborted) return
    if (!ended) lines.prompt()
  }
}

/** One question and its answer, both remembered; a question that cannot be asked is said to be so, and forgotten. */
async function turn(
  call: Call,
  compute: Compute,
  question: string,
  { model, messages, options }: Conversation,
  signal: AbortSignal,
): Promise<void> {
  const { report } = call
  const { write } = await import('../writing/write.ts')
  messages.push({ role: 'user', content: question })
  let answer = ''
  const onText = (text: string) => {
    answer += text
  }
  try {
    await write(call, compute, model, { messages }, { ...options, signal, onText })
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    if (error.code !== 'compute/cancelled') {
      messages.pop()
      report.note(...errorLines(reportOf(error), report.paint))
      return
    }
  }
  report.human.write('\n')
  messages.push({ role: 'assistant', content: answer })
  report.event('answer', { text: answer })
}
