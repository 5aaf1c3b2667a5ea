import type { Prepared } from '../../core/datasets/index.ts'
import {
  type Draft,
  draft,
  liveTimes,
  type Order,
  practiceTimes,
  type Quote,
  type Tools,
} from '../../core/jobs/index.ts'
import type { LocalModel } from '../../core/local/index.ts'
import { sats } from '../../shared/units.ts'
import type { Call } from '../cli.ts'
import type { OrderOptions } from '../commands/jobs/options.ts'
import { bytesText, count, counted, duration, satsText } from '../format.ts'
import type { Network } from '../network.ts'
import { noiseOf } from '../noise-options.ts'
import { textOptions } from '../text-options.ts'
import type { Places } from './checked.ts'
import { tellSilent } from './connections.ts'

/** A practice network is this computer's own: its times are short, its sats worth nothing. */
export const isPractice = ({ mints }: Network): boolean =>
  mints.every(mint => ['127.0.0.1', 'localhost', '[::1]'].includes(new URL(mint).hostname))

/** Options to an order. */
export function orderOf(
  call: Call,
  { dataset, out }: Places,
  options: OrderOptions,
  network: Network,
): Order {
  const practice = isPractice(network)
  return {
    dataset,
    ...(options.target === undefined ? {} : { target: options.target }),
    ...(options.task === undefined ? {} : { task: options.task }),
    ...textOf(options, call.cli.cwd),
    ...(options.model === undefined ? {} : { model: options.model }),
    ...noiseOf(options),
    ...(options.budget === undefined ? {} : { budget: sats(options.budget) }),
    ...(options.seed === undefined ? {} : { seed: options.seed }),
    ...(options.classesPerShard === undefined ? {} : { skew: { classesPerShard: options.classesPerShard } }),
    ...(options.receipts ? { receipts: true } : {}),
    providers: options.providers,
    rounds: options.rounds,
    mint: network.mints[0]!,
    blossoms: network.blossoms,
    relays: network.relays,
    out,
    practice,
    times: practice ? practiceTimes : liveTimes,
  }
}

/** How the file is to be read, and a text's tokens. */
function textOf({ as, tokenizer, vocabulary, block }: OrderOptions, cwd: string): Pick<Order, 'as' | 'text'> {
  const text = textOptions({ tokenizer, vocabulary, block }, cwd)
  return { ...(as === undefined ? {} : { as }), ...(text ? { text } : {}) }
}

const doing = {
  preparing: 'Reading and encoding the dataset …',
  planning: 'Planning the job …',
  asking: 'Asking the market for offers …',
}

/**
 * The draft with its quote, told to the person before anything is locked.
 * @param beforeAsking  whatever the market needs first; nothing of it happens for a dataset that cannot be used
 */
export async function drafted(
  call: Call,
  order: Order,
  tools: Tools,
  beforeAsking?: () => Promise<void>,
): Promise<Draft> {
  const made = await draft(order, tools, {
    signal: call.signal,
    async onStep(step) {
      if (step === 'asking') await beforeAsking?.()
      call.report.say(call.report.paint('dim', doing[step]))
    },
    onSilent: silent => tellSilent(call, silent),
  })
  const { prepared, plan, quote, id } = made
  const { report } = call
  const shard = Math.max(...plan.shards.map(s => s.bytes))
  report.say(
    '',
    `${report.paint('bold', plan.title)}: ${dataText(prepared)}`,
    `Plan: ${counted(order.providers, 'provider')}, ${counted(order.rounds, 'round')} of ${counted(plan.steps, 'step')}; a ${modelName(plan.spec.recipe)} of ${count(plan.parameters)} parameters; ${bytesText(shard)} to each provider.`,
    quoteLine(quote, plan.cap, plan.practice),
    ...(plan.practice
      ? []
      : [
          `${counted(order.providers, 'stranger')} will be able to read the ${prepared.kind === 'text' ? 'text' : 'rows'} they train on and keep the model.`,
        ]),
    '',
  )
  report.event('quote', {
    job: id,
    sats: quote.total,
    work: quote.work,
    fees: quote.fees,
    cap: plan.cap,
    offers: quote.offers,
  })
  return made
}

function dataText(prepared: Prepared): string {
  const kept = (n: number) => `of which ${count(n)} are kept back and never leave this computer.`
  if (prepared.kind === 'rows')
    return `${prepared.task} of “${prepared.target}”, ${counted(prepared.rows, 'row')}, ${kept(prepared.holdoutRows)}`
  const { tokens, vocabulary, block } = prepared
  return `a text of ${counted(tokens.training + tokens.holdout, 'token')} (${count(vocabulary)} different ones) in blocks of ${block}, ${kept(tokens.holdout)}`
}

const names: Record<LocalModel, string> = {
  mlp: 'perceptron',
  cnn: 'convolutional network',
  resnet: 'residual network',
  gpt: 'GPT',
  llama: 'Llama',
}
const modelName = (recipe: LocalModel): string => names[recipe]

const quoteLine = (quote: Quote, cap: number, practice: boolean): string =>
  `Quote: ${satsText(quote.total)}${practice ? ' of play money' : ''} (${count(quote.work)} for the work, up to ${count(quote.fees)} in fees) from ${counted(quote.offers, 'offer')}; it can never cost more than ${satsText(cap)}. About ${duration(Math.max(1, Math.round(quote.secondsPerRound)))} of computing a round.`
