import type { ChildProcess } from 'node:child_process'

const ask = 'cpu'

/** CPU milliseconds this process has used so far, user and system. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** In a child: answers its parent's question. */
export function answerCpu(): void {
  process.on('message', message => message === ask && process.send?.({ cpu: cpuMs() }))
}

/** The same of a child that called `answerCpu`. */
export function cpuMsOf(child: ChildProcess): Promise<number> {
  const answer = new Promise<number>(resolve =>
    // Nothing else is sent once the benchmark runs.
    child.once('message', message => resolve((message as { cpu: number }).cpu)),
  )
  child.send(ask)
  return answer
}
