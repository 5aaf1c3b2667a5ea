import { type Command, Option } from 'commander'
import type { Engagement, ProviderService } from '../../../core/jobs/index.ts'
import { reportOf } from '../../../shared/errors.ts'
import { type Call, type Cli, callOf } from '../../cli.ts'
import { closing } from '../../closing.ts'
import { bytesText, flopsText, satsText } from '../../format.ts'
import { liveHome, practiceHome } from '../../home.ts'
import { untilStopped } from '../../interrupt.ts'
import type { ProvideOptions } from '../../jobs/terms.ts'
import { positive, price, satsAmount } from '../../options.ts'

type Options = ProvideOptions & { once?: true; practice?: true }

const help = `
The machine is measured first; it never bids on what does not fit its memory or
its price. Work is declarative (a recipe and bounded numbers): no stranger's
code ever runs here. Strangers begin with a quarter of a round. Ctrl-C leaves
politely: locked sats go back, delivered work is still paid.

Three addresses say where to listen and what to be paid in: --relay, --blossom
and --mint. The home remembers them.`

export function addProvide(gradstr: Command, cli: Cli): void {
  gradstr
    .command('provide')
    .description('earn: train for others, paid per round')
    .option('--price <sats>', 'sats for 10^15 floating-point operations', price, 1000)
    .option('--minimum <sats>', 'least sats for any round', satsAmount, 20)
    .option(
      '--max-download <MB>',
      'largest shard to fetch before a customer has ever paid',
      positive('MB'),
      1000,
    )
    .option('--threads <n>', 'threads to compute with; all cores when left out', positive('threads', 1024))
    .option('--gentle', 'leave the machine usable for whoever sits at it (slower)')
    .option('--receipts', 'say in public for whom you worked and what was paid, where the customer agrees')
    .option('--once', 'end after the first job')
    .addOption(new Option('--practice', 'throw-away keys, for the practice network').hideHelp())
    .addHelpText('after', help)
    .action(async (options: Options, command: Command) => provide(await callOf(cli, command), options))
}

async function provide(call: Call, options: Options): Promise<void> {
  const { report } = call
  const { openHouse } = await import('../../compose.ts')
  const { requireNetwork } = await import('../../network.ts')
  const { foreseenNetwork } = await import('../../jobs/place.ts')
  const { tellConnections } = await import('../../jobs/connections.ts')
  const { toolsOf } = await import('../../jobs/tools.ts')
  const { measuredTerms } = await import('../../jobs/terms.ts')
  const { ProviderService } = await import('../../../core/jobs/index.ts')
  const parts = closing()
  try {
    const home = options.practice ? practiceHome(call.folder) : liveHome(call.folder)
    const network = options.practice ? call.network : foreseenNetwork(call, home)
    requireNetwork(network, ['relays', 'blossoms', 'mints'])
    const opening = {
      home,
      command: 'gradstr provide',
      ...(options.practice ? { network } : {}),
    }
    const house = parts.opened(await openHouse(call, opening), h => h.close())
    await house.wallet.settle()
    report.say(report.paint('dim', 'Measuring this machine …'))
    const terms = await measuredTerms(house.compute, options, house.network, call.signal)
    const telling = tellingOf(call)
    const service = parts.opened(
      new ProviderService(toolsOf(house, call.log.line), terms, telling.watch),
      s => s.close(),
    )
    service.start()
    // Redemptions that a mint's absence left open are finished as soon as it is back.
    const settle = (): Promise<void> =>
      house.wallet.settle().catch(error => call.log.line(`settling: ${reportOf(error).message}`))
    const keepBooks = setInterval(() => void settle(), settleMs)
    parts.opened(keepBooks, clearInterval)
    report.say(
      `This machine trains at ${flopsText(terms.flopsPerSecond)} and offers ${bytesText(terms.memory)} of memory,`,
      `for ${satsText(terms.price.perPflop)} per PFLOP, at least ${satsText(terms.price.minimum)} a round. Ctrl-C stops.`,
    )
    parts.opened(tellConnections(call, house.relays, terms.relays), t => t.close())
    report.event('ready', { pubkey: house.keyring.identity.pubkey, flopsPerSecond: terms.flopsPerSecond })
    await Promise.race([
      untilStopped(call.signal),
      ...(options.once ? [telling.firstEnd] : []),
      ...(options.practice ? [untilOrphaned()] : []),
    ])
    service.stop()
    await untilIdle(service)
    await settle()
    await house.relays.flush(3000)
    const { available, earned } = house.wallet.balance()
    report.say(`Earned ${satsText(earned)}; the wallet holds ${satsText(available)}.`)
    report.result({ earned, available })
  } finally {
    await parts.close()
  }
}

/** A hired local provider ends with the process that hired it: its standard input closes. */
const untilOrphaned = (): Promise<void> =>
  new Promise(resolve => {
    process.stdin.on('end', resolve).on('error', resolve).resume()
  })

const settleMs = 30_000

/** How long delivered work is waited for after a stop, in milliseconds. What is later comes at the next start. */
const patienceMs = 15_000

async function untilIdle(service: ProviderService): Promise<void> {
  const until = Date.now() + patienceMs
  while (service.busy && Date.now() < until) await new Promise(resolve => setTimeout(resolve, 100))
}

const words: Partial<Record<Engagement['phase'], string>> = { waiting: 'bid sent', engaged: 'hired' }

function tellingOf({ report, log }: Call) {
  let ended = (): void => {}
  const firstEnd = new Promise<void>(resolve => {
    ended = resolve
  })
  const told = new Map<string, string>()
  return {
    firstEnd,
    watch: {
      onChange(id: string, engagement: Engagement) {
        const share = engagement.shares.at(-1)
        const title = engagement.candidate?.job.title ?? 'a job'
        const state = share ? `round ${share.round.round}: ${share.status}` : (words[engagement.phase] ?? '')
        const said = engagement.phase === 'over' ? `over (${engagement.end?.reason ?? 'done'})` : state
        if (said !== '' && told.get(id) !== said) {
          told.set(id, said)
          report.say(
            `${title}: ${said}${share?.redeemed === undefined ? '' : `, ${satsText(share.redeemed)} earned`}`,
          )
          report.event('engagement', {
            id,
            phase: engagement.phase,
            ...(share ? { round: share.round.round, status: share.status } : {}),
          })
        }
        if (engagement.phase === 'over' && engagement.shares.length > 0) ended()
      },
      onTrouble: (id: string, what: string, error: { message: string }) =>
        log.line(`${id} ${what}: ${error.message}`),
      onPass: (job: { title: string }, why: string) =>
        report.say(report.paint('dim', `Passed over “${job.title}”: ${why}.`)),
    },
  }
}
