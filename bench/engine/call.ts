import { spawnSync } from 'node:child_process'

/** Runs a program in a process of its own; its last line is JSON. @throws Error with what it said, when it fails */
export function call<Answer>(command: string, args: readonly string[]): Answer {
  const { status, stdout, stderr, error } = spawnSync(command, args, { encoding: 'utf8' })
  if (error || status !== 0) throw new Error(`${command} ${args.join(' ')} failed: ${error ?? stderr}`)
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '')
}
