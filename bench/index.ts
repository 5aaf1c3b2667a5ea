import { readdirSync } from 'node:fs'
import { enableCompileCache } from 'node:module'

/** A yardstick: `bench/NAME.ts` exports `run`. */
export interface BenchOptions {
  /** The result (`report/result.ts`) as one JSON object on the last line of stdout, instead of text. */
  json: boolean
  args: string[]
}
interface Bench {
  run(options: BenchOptions): Promise<void>
}

// As the command line does.
enableCompileCache()

const folder = new URL('.', import.meta.url)
const names = readdirSync(folder)
  .filter(file => file.endsWith('.ts') && file !== 'index.ts')
  .map(file => file.slice(0, -'.ts'.length))
  .sort()
const list = names.map(name => `  ${name}\n`).join('')

const [name, ...rest] = process.argv.slice(2)
if (name === undefined || name === '--help') {
  process.stdout.write(`npm run bench -- NAME [--json]\n\nBenchmarks, each of which prints a ratio:\n${list}`)
} else if (!names.includes(name)) {
  process.stderr.write(`There is no benchmark "${name}".\nFix: choose one of these:\n${list}`)
  process.exitCode = 2
} else {
  // Chosen from the folder's own files, each of which exports `run`.
  const bench = (await import(new URL(`${name}.ts`, folder).href)) as Bench
  await bench.run({ json: rest.includes('--json'), args: rest.filter(arg => arg !== '--json') })
}
