import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Encoding, encoding as encodingSchema, readEncoding } from '../datasets/index.ts'
import { type RowsSpec, readWeights, writeSafetensors } from '../training/index.ts'
import { modelCard } from './card.ts'
import { CONFIG, FILES, FORMAT, type ModelConfig, VERSION } from './config.ts'
import { evaluateOn, type Model } from './evaluate.ts'
import { checkOut, fingerprint, publishFolder } from './folder.ts'
import { modelGraph } from './graph/model-graph.ts'
import { modelInputs } from './inputs.ts'
import { type ModelReport, type RegressionReport, type TrainingFacts, trainingFacts } from './report.ts'

export interface ExportOptions {
  spec: RowsSpec
  /** Safetensors with the spec's parameters, f32. */
  weights: string
  /** encoding.json, or what it holds. */
  encoding: string | Encoding
  /** Safetensors with the rows that were never trained on. */
  holdout: string
  /** How the model came to be: for the report and the card. */
  training: TrainingFacts
  /** The model folder. An older model in it is replaced; anything else is left alone and refused. */
  out: string
  /** The job's title. */
  title?: string
  threads?: number
}

/**
 * Measures the model on the holdout and writes its folder, all or nothing.
 * @returns what report.json holds
 * @throws UserError `models/folder-taken`, `training/…` for damaged weights or holdout
 */
export async function exportModel(options: ExportOptions): Promise<ModelReport> {
  const { spec, out } = options
  const training = trainingFacts.parse(options.training)
  await checkOut(out)
  const encoding =
    typeof options.encoding === 'string'
      ? await readEncoding(options.encoding)
      : encodingSchema.parse(options.encoding)
  const model: Model = { spec, encoding, weights: await readWeights(spec, options.weights) }
  const measured = await evaluateOn(options.holdout, model, options.threads)
  const title = options.title === undefined ? {} : { title: options.title }
  const report: ModelReport = { ...title, target: encoding.target.name, ...measured, ...training }
  await publishFolder(out, folder => writeModel(folder, model, report))
  return report
}

async function writeModel(
  folder: string,
  { spec, encoding, weights }: Model,
  report: ModelReport,
): Promise<void> {
  const at = (name: string) => join(folder, name)
  await writeFile(at(FILES.onnx), modelGraph(spec, encoding, weights))
  // The format that libraries of the Hugging Face family ask for before they load a file.
  await writeSafetensors(at(FILES.weights), weights, { format: 'pt' })
  await writeFile(at(FILES.encoding), json(encoding))
  await writeFile(at(FILES.report), json(report))
  const described = configOf(spec, encoding, report)
  await writeFile(at(FILES.card), modelCard(described, report))
  const files: ModelConfig['files'] = {}
  for (const name of Object.values(FILES)) files[name] = await fingerprint(at(name))
  const config: ModelConfig = { ...described, files }
  await writeFile(at(CONFIG), json(config))
}

function configOf(spec: RowsSpec, encoding: Encoding, report: ModelReport): ModelConfig {
  const { target } = encoding
  const interval = report.task === 'regression' ? intervalOf(report.errors) : undefined
  return {
    format: FORMAT,
    version: VERSION,
    task: spec.task,
    target: target.name,
    ...(target.kind === 'class' ? { classes: target.values } : {}),
    inputs: modelInputs(encoding),
    outputs: outputsOf(target),
    ...(interval ? { interval } : {}),
    spec,
    files: {},
  }
}

function outputsOf(target: Encoding['target']): ModelConfig['outputs'] {
  if (target.kind === 'number')
    return [{ name: 'label', type: 'float32', shape: ['rows'], meaning: `${target.name}, in its own unit.` }]
  return [
    { name: 'label', type: 'string', shape: ['rows'], meaning: 'The most probable class.' },
    {
      name: 'probabilities',
      type: 'float32',
      shape: ['rows', String(target.values.length)],
      meaning: 'Of each class, in the order of `classes`; they add up to 1.',
    },
  ]
}

/** Errors are answer − truth, so the truth lies at answer − error. */
const intervalOf = ({ p5, p95 }: RegressionReport['errors']): ModelConfig['interval'] =>
  p5 === null || p95 === null ? undefined : { coverage: 0.9, low: -p95, high: -p5 }

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
