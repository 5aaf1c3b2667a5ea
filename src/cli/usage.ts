import { type Command, CommanderError } from 'commander'
import { UserError } from '../shared/errors.ts'

/** Commander's own way to say that help or the version was printed: nothing went wrong. */
export const isAnswered = (error: unknown): boolean => error instanceof CommanderError && error.exitCode === 0

/** What is wrong with the command line, as an error of ours; anything else comes back as it is. */
export function usageError(error: unknown, gradstr: Command, args: readonly string[]): unknown {
  if (!(error instanceof CommanderError)) return error
  const command = gradstr.commands.find(c => args.includes(c.name()))
  const inner = command?.commands.find(c => args.includes(c.name()))
  const path = ['gradstr', command?.name(), inner?.name()].filter(name => name !== undefined).join(' ')
  // A bare command group prints its help; there is nothing more to quote.
  const [said = '', hint] = error.message.replace(/^error: /, '').split('\n')
  const message = error.code === 'commander.help' ? `\`${path}\` needs a command` : plainly(said)
  return new UserError(
    error.code.replace('commander.', 'usage/').replace(/[A-Z]/g, c => `-${c.toLowerCase()}`),
    {
      message: `${message.charAt(0).toUpperCase()}${message.slice(1).replace(/\.$/, '')}.`,
      fix: `${hint ? `${hint.replace(/^\((.*)\)$/, '$1')} ` : ''}See \`${path} --help\`.`,
    },
  )
}

/** Commander's two ways to say that a value is wrong, in one short form: `--rounds "x": It takes …`. */
const plainly = (said: string): string =>
  said
    .replace(
      /^option '(?:-\w, )?(--[\w-]+)[^']*' (?:argument|value) '(.*)' (?:from env .*)?is invalid\. /i,
      '$1 "$2": ',
    )
    .replace(/^command-argument value '(.*)' is invalid for argument '(.*)'\. /i, '<$2> "$1": ')
