import { resolve } from 'node:path'
import type { Command } from 'commander'
import { type Cli, callOf } from '../cli.ts'

const help = `
ADAPTER is the folder that "train-local --lora" or PEFT wrote. The new folder is
a whole model in Hugging Face's layout, which needs neither the adapter nor its
base any more, and can be trained further with "train-local --base".

  gradstr merge letters --out letters-whole`

export function addMerge(gradstr: Command, cli: Cli): void {
  gradstr
    .command('merge')
    .description('make one model of an adapter and its base')
    .argument('<adapter>', 'the adapter’s folder')
    .requiredOption('--out <dir>', 'the new model’s folder')
    .option('--base <dir>', 'where the base lies now, if it was moved')
    .addHelpText('after', help)
    .action(async (adapter: string, { out, base }: { out: string; base?: string }, command: Command) => {
      const call = await callOf(cli, command)
      const { withCompute } = await import('../compute.ts')
      const at = (path: string) => resolve(cli.cwd, path)
      const moved = base === undefined ? {} : { base: at(base) }
      await withCompute(call, compute =>
        compute.run('merge', { adapter: at(adapter), out: at(out), ...moved }, { signal: call.signal }),
      )
      call.report.say(`The model is in ${at(out)}.`)
      call.report.result({ out: at(out) })
    })
}
