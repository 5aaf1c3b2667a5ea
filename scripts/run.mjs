// `npm run demo`, `npm test` and their like on a fresh clone: install what is missing, then run the command on
// the Node that the project brings (node_modules/.bin/node), whatever the system has. Node built-ins only.
import { spawn, spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const bin = name => join(root, 'node_modules', '.bin', name)

/** Runs `npm ci` when node_modules does not belong to the lock file. */
function install() {
  const stamp = join(root, 'node_modules', '.gradstr-lock')
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return
  process.stderr.write('Setting up: installing the packages of package-lock.json (once; about a minute) …\n')
  const npm = process.env.npm_execpath
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  // Progress goes to stderr: stdout belongs to the command's own output (`--json`).
  const options = { cwd: root, stdio: ['ignore', 2, 2] }
  const done = npm
    ? spawnSync(process.execPath, [npm, ...args], options)
    : spawnSync('npm', args, { ...options, shell: process.platform === 'win32' })
  if (done.status !== 0) {
    process.stderr.write(
      'The packages could not be installed.\nFix: see npm’s message above; check the network and free disk space, then run the same command again.\n',
    )
    process.exit(1)
  }
  writeFileSync(stamp, lock)
}

/** The project's own Node where a package for this platform exists, else the one that runs this script. */
function projectNode() {
  const own = bin(process.platform === 'win32' ? 'node.exe' : 'node')
  if (existsSync(own)) return own
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
  if (major > 22 || (major === 22 && minor >= 18)) return process.execPath
  process.stderr.write(
    `Node ${process.versions.node} is too old here and no bundled Node exists for ${process.platform}-${process.arch}.\nFix: install Node 24.\n`,
  )
  process.exit(1)
}

const commands = {
  gradstr: args => [['src/cli/index.ts', ...args]],
  vitest: args => [['node_modules/vitest/vitest.mjs', ...args]],
  bench: args => [['bench/index.ts', ...args]],
  check: () => [
    ['node_modules/typescript/bin/tsc', '-p', '.'],
    ['node_modules/@biomejs/biome/bin/biome', 'check', '--error-on-warnings', '.'],
    [
      'node_modules/dependency-cruiser/bin/dependency-cruiser.mjs',
      '--config',
      '.dependency-cruiser.mjs',
      'src',
      'bench',
      'test',
    ],
  ],
}

const [name, ...args] = process.argv.slice(2)
const plan = commands[name]
if (!plan) {
  process.stderr.write(`Unknown command "${name}". Known: ${Object.keys(commands).join(', ')}.\n`)
  process.exit(2)
}
install()
const node = projectNode()
for (const step of plan(args)) {
  const script = join(root, step[0])
  const child = spawn(node, [script, ...step.slice(1)], {
    // `gradstr` keeps the caller's folder, so that relative paths mean what the user typed.
    cwd: name === 'gradstr' ? (process.env.INIT_CWD ?? process.cwd()) : root,
    // For what it tells the person to type next.
    env: name === 'gradstr' ? { ...process.env, GRADSTR_COMMAND: 'npm run -s gradstr --' } : process.env,
    stdio: 'inherit',
  })
  // The terminal signals the whole group; a signal sent to this process alone is passed on.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  const code = await new Promise(resolve =>
    child.on('exit', (status, signal) => resolve(status ?? (signal ? 130 : 1))),
  )
  if (code !== 0) process.exit(code)
}
