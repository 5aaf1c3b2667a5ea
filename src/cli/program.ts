import { Command } from 'commander'
import { type Cli, globalOptions } from './cli.ts'
import { addChat } from './commands/chat.ts'
import { addDevices } from './commands/devices.ts'
import { addInspect } from './commands/inspect.ts'
import {
  addCancel,
  addDemo,
  addJob,
  addJobs,
  addProvide,
  addRecover,
  addResume,
  addTrain,
} from './commands/jobs/index.ts'
import { addLocalnet } from './commands/localnet.ts'
import { addMerge } from './commands/merge.ts'
import { addPredict } from './commands/predict.ts'
import { addTrainLocal } from './commands/train-local.ts'
import { addWallet } from './commands/wallet/index.ts'
import { version } from './version.ts'

const exitCodes = `
Exit codes: 0 done · 1 failed (the reason is on stderr) · 2 the command line is
wrong · 70 a defect in Gradstr · 130 interrupted (Ctrl-C) · 143 terminated.
Environment: GRADSTR_HOME, GRADSTR_PASSPHRASE, GRADSTR_DEBUG=1, NO_COLOR.`

/** The whole command line. A command that is not here does not exist. */
export function program(cli: Cli): Command {
  const gradstr = globalOptions(new Command('gradstr'))
    .description('Money in, AI out: buy and sell the training of models on Nostr, paid in sats.')
    .version(version, '-V, --version', 'the version of this program')
    .helpOption('-h, --help', 'this help')
    .addHelpText('after', exitCodes)
    .configureHelp({ showGlobalOptions: true, subcommandTerm: command => command.name() })
    // Errors are told in one place (failure.ts), not by commander.
    .configureOutput({
      writeOut: text => void cli.stdout.write(text),
      writeErr: text => void cli.stderr.write(text),
      outputError: () => undefined,
    })
    .exitOverride()
  for (const add of [
    addDemo,
    addTrain,
    addProvide,
    addResume,
    addJobs,
    addJob,
    addCancel,
    addRecover,
    addInspect,
    addTrainLocal,
    addMerge,
    addPredict,
    addChat,
    addDevices,
    addWallet,
    addLocalnet,
  ])
    add(gradstr, cli)
  return gradstr
}
