import type { RowsSpec } from '../training/index.ts'
import type { ModelConfig, ModelInput } from './config.ts'
import { FILES } from './config.ts'
import { pythonExample } from './python-example.ts'
import type {
  ClassificationReport,
  LocalFacts,
  ModelReport,
  RegressionReport,
  TrainingFacts,
} from './report.ts'

/** README.md of a model folder: what the model does, how good it is, how to use it, where it came from. */
export function modelCard(config: ModelConfig, report: ModelReport): string {
  return [
    `# A model that predicts ${code(config.target)}`,
    ...(report.title === undefined ? [] : [`Trained in the job "${plain(report.title)}".`]),
    what(config),
    '## How good it is',
    report.task === 'classification' ? howOftenRight(report) : howFarOff(report),
    '## How to use it',
    use(config),
    '## How it was trained',
    training(config, report),
    '## Limits',
    limits(report),
    '## Files',
    files(),
  ]
    .join('\n\n')
    .concat('\n')
}

function what(config: ModelConfig): string {
  const [first] = config.inputs
  const from =
    first?.kind === 'image'
      ? `It looks at a ${first.channels === 1 ? 'grey' : 'colour'} image of ${first.width} × ${first.height} pixels`
      : `It looks at the ${plural(config.inputs.length, 'column')} in the table below`
  const answer = config.classes
    ? `and answers with one of ${config.classes.length} classes: ${listed(config.classes)}.`
    : `and answers with a number, in the unit of ${code(config.target)}.`
  return [`${from} ${answer}`, ...(first?.kind === 'image' ? [] : [inputTable(config.inputs)])].join('\n\n')
}

const inputTable = (inputs: readonly ModelInput[]): string =>
  [
    '| Column | In model.onnx | Meaning |',
    '|---|---|---|',
    ...inputs.map(input => `| ${cell(columnOf(input))} | ${input.type} | ${cell(input.meaning)} |`),
  ].join('\n')

function howOftenRight({ metrics, baseline, holdout, confusion }: ClassificationReport): string {
  const { accuracy } = metrics
  const margin = 1.96 * Math.sqrt((accuracy * (1 - accuracy)) / holdout.rows)
  const lines = [
    `On ${plural(holdout.rows, 'row')} it had never seen, its answer was right for **${percent(accuracy)}** ` +
      `(give or take ${percent(margin)}: with so many rows it cannot be known better).`,
    `For comparison: always answering ${code(baseline.answer)}, the most frequent class, is right for ` +
      `${percent(baseline.accuracy)}. ${verdict(accuracy - margin > baseline.accuracy)}`,
    `| Figure | Value | In words |\n|---|---|---|\n` +
      `| accuracy | ${figure(accuracy)} | part of the rows answered rightly |\n` +
      `| macro F1 | ${figure(metrics.macroF1)} | 1 is best; every class counts the same, the rare ones too |\n` +
      `| log loss | ${figure(metrics.logLoss)} | 0 is best; punishes being sure and wrong |`,
  ]
  const worst = confusions(confusion)
  if (worst.length > 0) lines.push(`Most frequent mistakes:\n\n${worst.join('\n')}`)
  return lines.join('\n\n')
}

function confusions({ classes, counts }: ClassificationReport['confusion']): string[] {
  return counts
    .flatMap((row, truth) => row.map((n, answer) => ({ n, truth, answer })))
    .filter(({ n, truth, answer }) => truth !== answer && n > 0)
    .sort((a, b) => b.n - a.n)
    .slice(0, 5)
    .map(({ n, truth, answer }) => {
      const [was, said] = [classes[truth] ?? '', classes[answer] ?? '']
      return `- ${code(was)} taken for ${code(said)}: ${plural(n, 'time')}`
    })
}

function howFarOff({ metrics, baseline, holdout, errors, target }: RegressionReport): string {
  return [
    `On ${plural(holdout.rows, 'row')} it had never seen, its answer was off by **${figure(metrics.mae)}** on average ` +
      `(in the unit of ${code(target)}).`,
    `For comparison: always answering the mean, ${figure(baseline.answer)}, is off by ${figure(baseline.mae)} on ` +
      `average. ${verdict((metrics.rmse ?? Infinity) < (baseline.rmse ?? Infinity))}`,
    `Half of its errors (answer minus truth) lay between ${figure(errors.p25)} and ${figure(errors.p75)}, nine of ten ` +
      `between ${figure(errors.p5)} and ${figure(errors.p95)}.`,
    `| Figure | Value | In words |\n|---|---|---|\n` +
      `| R² | ${figure(metrics.r2)} | part of the variation that is explained; 1 is best, 0 is no better than the mean |\n` +
      `| mean absolute error | ${figure(metrics.mae)} | the usual distance from the truth |\n` +
      `| root mean square error | ${figure(metrics.rmse)} | the same, with large errors weighing more |`,
  ].join('\n\n')
}

const verdict = (better: boolean): string =>
  better
    ? 'The model has learnt something.'
    : '**The model is not clearly better than that: do not rely on it.** More rows, more rounds or better columns may help.'

function use(config: ModelConfig): string {
  const images = config.inputs[0]?.kind === 'image'
  const file = images ? 'picture.png' : 'rows.csv'
  return [
    'With Gradstr:',
    `\`\`\`sh\ngradstr predict . ${file}\n\`\`\``,
    `With plain onnxruntime in Python (\`pip install onnxruntime${images ? ' pillow' : ''}\`; nothing of Gradstr is needed, and no network). ` +
      'All preparation of the values is inside model.onnx:',
    `\`\`\`python\n${pythonExample(config)}\`\`\``,
    `The meaning of every input and output is in \`config.json\`.`,
  ].join('\n\n')
}

function architecture({ recipe, model }: RowsSpec): string {
  if (recipe === 'mlp')
    return `A multi-layer perceptron (${[model.inputs, ...model.hidden, model.outputs].join('–')})`
  if (recipe === 'resnet')
    return `A residual network (${model.blocks.join(' + ')} blocks, ${model.width} channels and up)`
  const convolutions = `${model.kernel}×${model.kernel} convolutions with ${model.channels.join(' and ')} channels`
  return `A convolutional network (${convolutions}, then ${[...model.hidden, model.outputs].join('–')})`
}

const training = ({ spec }: ModelConfig, report: ModelReport): string => trained(architecture(spec), report)

/** How a model was trained, on one machine or by a job's providers, as a list. */
export function trained(what: string, report: TrainingFacts): string {
  if ('local' in report) return trainedHere(what, report).join('\n')
  const { sats, practice } = report
  const last = report.rounds.at(-1)?.loss
  const money = practice ? 'sats of play money (practice network)' : 'sats'
  return [
    `- ${what}, trained with Gradstr by federated averaging (McMahan et al. 2017).`,
    `- ${report.rows === undefined ? 'The rows' : plural(report.rows, 'row')}, split among ${plural(report.providers, 'provider')}, in ${plural(report.rounds.length, 'round')}` +
      `${report.seconds === undefined ? '' : `, ${plural(Math.round(report.seconds), 'second')}`}.`,
    ...(last === null || last === undefined
      ? []
      : [`- Loss on the holdout after the last round: ${figure(last)}.`]),
    `- Paid to the providers: ${thousands(sats.paid)} ${money}; ${thousands(sats.fees)} in fees.`,
    '- Every round, with its loss, is in `report.json`.',
  ].join('\n')
}

function limits(report: ModelReport): string {
  return [
    '- It has learnt from one dataset. On rows of another origin or time it may be worse, without saying so.',
    '- It answers always, also to rows that make no sense. A text it has never seen counts as "other", a missing value ' +
      'as a usual one.',
    report.task === 'classification'
      ? '- The probabilities are what the network says; they were not calibrated.'
      : '- Far outside the range of the training rows its answers are guesses.',
    '- Whether it treats groups of people fairly has not been examined. Do so before it decides about people.',
  ].join('\n')
}

const files = (): string =>
  [
    `- \`${FILES.onnx}\`: the model, from raw values to answers, with the preparation inside (ONNX, opset 21)`,
    `- \`${FILES.weights}\`: the weights alone, under PyTorch's names (\`nn.Sequential\` of \`Linear\` and \`ReLU\`)`,
    '- `config.json`: inputs, outputs, classes, the network, the hashes of the other files',
    `- \`${FILES.encoding}\`: how each column was prepared, as fitted on the training rows`,
    `- \`${FILES.report}\`: all figures`,
  ].join('\n')

function trainedHere(what: string, { local, rows, seconds }: LocalFacts): string[] {
  const of = rows === undefined ? '' : ` out of ${plural(rows, 'row')}`
  return [
    `- ${what}, trained with Gradstr on one machine.`,
    `- ${plural(local.steps, 'step')} of ${plural(local.batch, 'row')} each${of}${seconds === undefined ? '' : `, ${plural(Math.round(seconds), 'second')}`}.`,
    '- The curve of its losses is in `report.json`.',
  ]
}

const columnOf = (input: ModelInput): string => (input.kind === 'image' ? input.name : input.column)
const plain = (text: string): string => text.replaceAll(/\s+/g, ' ')
const code = (text: string): string => `\`${plain(text).replaceAll('`', "'")}\``
const cell = (text: string): string => plain(text).replaceAll('|', '\\|')
const percent = (part: number): string => `${(100 * part).toFixed(1)} %`
const thousands = (n: number): string => n.toLocaleString('en-US')
const plural = (n: number, what: string): string => `${thousands(n)} ${what}${n === 1 ? '' : 's'}`
/** Four digits that count, without an exponent where that can be read. */
const figure = (n: number | null): string =>
  n === null ? 'not a number' : n.toLocaleString('en-US', { maximumSignificantDigits: 4 })

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 12).map(code).join(', ')
  return names.length > 12 ? `${shown} and ${names.length - 12} more` : shown
}
