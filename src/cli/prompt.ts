import type { Interrupted } from './interrupt.ts'

export interface Terminal {
  stdin: NodeJS.ReadStream
  /** Questions go to stderr: stdout may be a file. */
  stderr: NodeJS.WriteStream
  signal: AbortSignal
}

const CTRL_C = '\u0003'
const CTRL_D = '\u0004'
const CTRL_U = '\u0015'
const BACKSPACE = new Set(['\u007f', '\b'])

/**
 * Asks a line and shows nothing of what is typed. Ctrl-C raises SIGINT, as it does outside of raw mode.
 * @throws Interrupted when the person stops the program instead
 */
export async function askHidden(question: string, terminal: Terminal): Promise<string> {
  const { stdin, stderr, signal } = terminal
  const wasRaw = stdin.isRaw
  // Before the question: whoever types at once must not be echoed.
  stdin.setRawMode(true)
  stderr.write(question)
  stdin.setEncoding('utf8')
  stdin.resume()
  let typed = ''
  let hear: (chunk: string) => void = () => undefined
  let stop: () => void = () => undefined
  try {
    return await new Promise<string>((resolve, reject) => {
      stop = () => reject(signal.reason as Interrupted) // the only reason this signal is aborted with
      signal.addEventListener('abort', stop, { once: true })
      hear = chunk => {
        for (const key of chunk) {
          if (key === '\r' || key === '\n' || key === CTRL_D) return resolve(typed)
          if (key === CTRL_C) process.kill(process.pid, 'SIGINT')
          else if (key === CTRL_U) typed = ''
          else if (BACKSPACE.has(key)) typed = [...typed].slice(0, -1).join('')
          else if (key >= ' ') typed += key
        }
      }
      stdin.on('data', hear)
      if (signal.aborted) stop()
    })
  } finally {
    stdin.off('data', hear)
    signal.removeEventListener('abort', stop)
    stdin.setRawMode(wasRaw)
    stdin.pause()
    stderr.write('\n')
  }
}

/** A line that is shown as it is typed. */
export async function ask(question: string, { stdin, stderr, signal }: Terminal): Promise<string> {
  const { createInterface } = await import('node:readline/promises')
  const lines = createInterface({ input: stdin, output: stderr, terminal: true })
  // readline takes Ctrl-C for itself while it reads.
  lines.on('SIGINT', () => process.kill(process.pid, 'SIGINT'))
  try {
    return await lines.question(question, { signal })
  } finally {
    lines.close()
  }
}
