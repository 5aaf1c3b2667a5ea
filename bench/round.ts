import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { openHome } from '../src/core/jobs/home.test-support.ts'
import { openJob, type Plan, practiceTimes } from '../src/core/jobs/index.ts'
import type { startLocalnet } from '../src/core/localnet/index.ts'
import {
  flopsPerStep,
  initialWeights,
  MCMAHAN,
  parameterCount,
  type RowsSpec,
  writeSafetensors,
} from '../src/core/training/index.ts'
import { sats, seconds } from '../src/shared/units.ts'
import type { BenchOptions } from './index.ts'
import { writeResult } from './report/result.ts'
import { cpuMs, cpuMsOf } from './round/cpu.ts'
import { idleCompute } from './round/idle-compute.ts'

/** McMahan's network: 1,663,370 parameters. */
const spec: RowsSpec = {
  recipe: 'cnn',
  model: MCMAHAN,
  task: 'classification',
  input: { dtype: 'u8', scale: 1 / 255, shift: 0 },
  batch: 64,
  optimizer: { name: 'sgd', learningRate: 0.01, momentum: 0, weightDecay: 0 },
}
const rounds = 7
/** With ten providers, in milliseconds. */
const goal = 1000

/**
 * Everything in a round that is not compute: encrypt, upload, publish, seal, verify, pay; relay, Blossom server and mint
 * included, over loopback. Three processes: the servers with the customer's peer, the customer, and all providers.
 * Goal: at most 1 s a round with 10 providers on 2 idle cores. The CPU time of each process is measured too: on a machine
 * that has other work it alone tells how much a round costs. `--providers 1,3,10,30`.
 */
export async function run({ json, args }: BenchOptions): Promise<void> {
  const at = args.indexOf('--providers')
  const counts = (at < 0 ? '1,10,30' : (args[at + 1] ?? '')).split(',').map(Number)
  const rows = []
  for (const providers of counts) {
    const { times, cpu } = await measure(providers)
    const ms = times.sort((a, b) => a - b)[times.length >> 1]!
    rows.push({ providers, ms_per_round: Math.round(ms), cpu_ms_per_round: cpu })
    if (!json)
      process.stdout.write(
        `${providers} providers: ${Math.round(ms)} ms a round (median of ${times.length}); CPU ms a round: ${describe(cpu)}\n`,
      )
  }
  const ten = rows.find(row => row.providers === 10)?.ms_per_round
  if (json)
    writeResult({
      bench: 'round',
      goal_ms_per_round: goal,
      parameters: parameterCount(spec),
      cores: cpus().length,
      rows,
      ratio: ten ? goal / ten : null,
    })
}

/** Milliseconds of CPU a round, by process. */
type Cpu = Record<'customer' | 'providers' | 'servers' | 'all', number>
const describe = (cpu: Cpu): string =>
  Object.entries(cpu)
    .map(([who, ms]) => `${who} ${ms}`)
    .join(', ')

/** Milliseconds of each round after the first, which is a short one. */
async function measure(providers: number): Promise<{ times: number[]; cpu: Cpu }> {
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-bench-'))
  const servers = fork(new URL('./round/servers.ts', import.meta.url), [join(folder, 'net')], {
    execArgv: [],
  })
  const net = await new Promise<Awaited<ReturnType<typeof startLocalnet>>>(resolve =>
    servers.once('message', message => resolve(message as never)),
  )
  const files = { weights: join(folder, 'w.safetensors'), update: join(folder, 'u.safetensors') }
  const weights = initialWeights(spec, 1)
  await writeSafetensors(files.weights, weights, {})
  // The size of an update in half precision; nobody reads its numbers here.
  writeFileSync(files.update, randomBytes(parameterCount(spec) * 2))
  const crowd = fork(
    new URL('./round/providers.ts', import.meta.url),
    [String(providers), folder, JSON.stringify(net), JSON.stringify(files)],
    { execArgv: [] },
  )
  const home = await openHome(join(folder, 'customer'))
  try {
    await new Promise(resolve => crowd.once('message', resolve))
    const { tools } = home
    await (await tools.wallet.topUp(net.mint, sats(100_000))).paid
    writeFileSync(join(folder, 'shard'), randomBytes(1000))
    const ends: number[] = []
    const took: number[] = []
    const used = () => Promise.all([cpuMs(), cpuMsOf(crowd), cpuMsOf(servers)])
    const usage: ReturnType<typeof used>[] = []
    const job = openJob(
      'bench',
      { ...tools, compute: idleCompute(files) },
      {
        onChange: ({ engagements }, { fact }) => {
          if (fact.type !== 'aggregated') return
          const parts = Object.values(engagements).flatMap(({ works }) => works)
          took.push(parts.filter(({ round, verdict }) => round === fact.round && verdict?.used).length)
          ends.push(performance.now())
          if (ends.length === 1 || ends.length === rounds) usage.push(used())
        },
      },
      planOf(providers, folder, files.weights, net),
    )
    await job.runner.settled
    await job.close()
    // On a machine that is too busy they are dismissed, as the practice network's times are, and the rest is quick.
    if (took.length < rounds || took.some(parts => parts < providers))
      throw new Error(`of ${providers} providers only ${Math.min(...took)} took part in a round`)
    const [before = [], after = []] = await Promise.all(usage)
    const per = after.map((ms, i) => Math.round((ms - before[i]!) / (rounds - 1)))
    const [customer = 0, crowds = 0, server = 0] = per
    return {
      times: ends.slice(1).map((end, i) => end - ends[i]!),
      cpu: { customer, providers: crowds, servers: server, all: customer + crowds + server },
    }
  } finally {
    await end(crowd)
    await home.close()
    await end(servers)
    rmSync(folder, { recursive: true, force: true })
  }
}

/** They exit when they are left alone. */
const end = (child: ChildProcess) =>
  new Promise(resolve => {
    child.once('exit', resolve)
    child.disconnect()
  })

function planOf(
  providers: number,
  folder: string,
  weights: string,
  net: { mint: string; blossom: string; relay: string },
): Plan {
  const steps = 1000
  return {
    title: 'bench',
    spec,
    parameters: parameterCount(spec),
    rounds,
    steps,
    pflopPerRound: (steps * flopsPerStep(spec)) / 1e15,
    shards: Array.from({ length: providers }, () => ({
      path: join(folder, 'shard'),
      rows: 100,
      bytes: 1000,
      sha256: '',
    })),
    preparation: {},
    holdout: weights,
    encoding: weights,
    weights,
    updateBytes: parameterCount(spec) * 4,
    maxPerRound: sats(1_000_000),
    cap: sats(100_000),
    quoted: sats(0),
    strangers: 0.25,
    mint: net.mint,
    blossoms: [net.blossom],
    relays: [net.relay],
    times: practiceTimes,
    rho: 0.5,
    bidWork: 0,
    deadline: seconds(Math.floor(Date.now() / 1000) + 3600),
    seed: 1,
    practice: true,
    out: join(folder, 'out'),
  }
}
