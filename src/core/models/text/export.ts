import { readTokenizer } from '../../tokenizers/index.ts'
import { evaluator, type LanguageSpec, readBase, readWeights, type Tensors } from '../../training/index.ts'
import { checkOut, publishFolder } from '../folder.ts'
import { type TrainingFacts, trainingFacts } from '../report.ts'
import type { TextLayout } from './config.ts'
import type { TextReport } from './report.ts'
import { type TextModel, writeAdapterFolder, writeTextFolder } from './write.ts'

export interface TextExportOptions {
  spec: LanguageSpec
  /** Safetensors with the spec's parameters, f32. */
  weights: string
  /** Of an adapter: the folder of its base. */
  base?: string
  /** tokenizer.json, or its folder. */
  tokenizer: string
  /** How the documents were written that it learned from. */
  layout?: TextLayout
  /** Safetensors with blocks that were never trained on. */
  holdout: string
  training: TrainingFacts
  /** The model folder; see `exportModel`. */
  out: string
  title?: string
  threads?: number
}

/**
 * Measures a language model on the holdout and writes its folder, all or nothing: in Hugging Face's layout, or of an adapter
 * in PEFT's.
 * @returns what report.json holds
 * @throws UserError `models/folder-taken`, `training/…`, `tokenizer/…`
 */
export async function exportTextModel(options: TextExportOptions): Promise<TextReport> {
  const { spec, out, title, base, layout } = options
  const training = trainingFacts.parse(options.training)
  await checkOut(out)
  const tokenizer = await readTokenizer(options.tokenizer)
  const weights = await readWeights(spec, options.weights)
  const measured = await measure(options, weights)
  const report: TextReport = {
    task: 'language',
    ...(title === undefined ? {} : { title }),
    ...measured,
    ...training,
  }
  const model: TextModel = { architecture: spec, weights, tokenizer, layout, report }
  await publishFolder(out, folder =>
    base === undefined ? writeTextFolder(folder, model) : writeAdapterFolder(folder, model, base),
  )
  return report
}

async function measure({ spec, holdout, threads, base }: TextExportOptions, weights: Tensors) {
  const frozen = base === undefined ? undefined : await readBase(spec, base)
  const engine = await evaluator(spec, { threads, base: frozen })
  try {
    const data = await engine.load(holdout)
    const { loss } = await engine.losses(weights, data)
    const { entropy, tokens } = frequencies(data.y.data as Int32Array) // `readData` of a text
    return {
      holdout: { blocks: data.rows, tokens },
      metrics: { loss: finite(loss), perplexity: finite(Math.exp(loss)) },
      baseline: { loss: finite(entropy) },
    }
  } finally {
    await engine.close()
  }
}

/** Of the targets that count: how many they are, and the entropy of their frequencies in nats. */
function frequencies(targets: Int32Array): { entropy: number; tokens: number } {
  const counts = new Map<number, number>()
  for (const token of targets) if (token >= 0) counts.set(token, (counts.get(token) ?? 0) + 1)
  const tokens = [...counts.values()].reduce((sum, n) => sum + n, 0)
  const entropy = [...counts.values()].reduce((sum, n) => sum - (n / tokens) * Math.log(n / tokens), 0)
  return { entropy, tokens }
}

const finite = (n: number): number | null => (Number.isFinite(n) ? n : null)
