import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readTokenizer, type Tokenizer, writeTokenizer } from '../../tokenizers/index.ts'
import {
  evaluator,
  type LanguageSpec,
  readWeights,
  type Tensors,
  writeSafetensors,
} from '../../training/index.ts'
import { CONFIG, FORMAT, VERSION } from '../config.ts'
import { checkOut, fingerprint, publishFolder } from '../folder.ts'
import { type LocalFacts, localFacts } from '../report.ts'
import { withBiases } from './biases.ts'
import { textCard } from './card.ts'
import { CHAT_TEMPLATE, canChat } from './chat.ts'
import { huggingFaceConfig, type OwnPart, TEXT_FILES } from './config.ts'
import type { TextReport } from './report.ts'

export interface TextExportOptions {
  spec: LanguageSpec
  /** Safetensors with the spec's parameters, f32. */
  weights: string
  /** tokenizer.json, or its folder. */
  tokenizer: string
  /** Safetensors with blocks that were never trained on. */
  holdout: string
  training: LocalFacts
  /** The model folder; see `exportModel`. */
  out: string
  title?: string
  threads?: number
}

/**
 * Measures a language model on the holdout and writes its folder in Hugging Face's layout, all or nothing.
 * @returns what report.json holds
 * @throws UserError `models/folder-taken`, `training/…`, `tokenizer/…`
 */
export async function exportTextModel(options: TextExportOptions): Promise<TextReport> {
  const { spec, out, title } = options
  const training = localFacts.parse(options.training)
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
  await publishFolder(out, folder => write(folder, spec, weights, tokenizer, report))
  return report
}

async function measure({ spec, holdout, threads }: TextExportOptions, weights: Tensors) {
  const engine = await evaluator(spec, { threads })
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

async function write(
  folder: string,
  spec: LanguageSpec,
  weights: Tensors,
  tokenizer: Tokenizer,
  report: TextReport,
): Promise<void> {
  const at = (name: string) => join(folder, name)
  const biased = withBiases(spec, weights)
  await writeSafetensors(at(TEXT_FILES.weights), biased.weights, { format: 'pt' })
  await writeTokenizer(at(TEXT_FILES.tokenizer), tokenizer)
  await writeFile(at(TEXT_FILES.tokenizerConfig), json(tokenizerConfig(spec, tokenizer)))
  await writeFile(at(TEXT_FILES.report), json(report))
  await writeFile(at(TEXT_FILES.card), textCard(spec, tokenizer, report))
  const files: OwnPart['files'] = {}
  for (const name of Object.values(TEXT_FILES)) files[name] = await fingerprint(at(name))
  const own: OwnPart = { format: FORMAT, version: VERSION, files }
  await writeFile(at(CONFIG), json(huggingFaceConfig(biased.architecture, tokenizer.endOfText, own)))
}

/** What `transformers` asks for beside tokenizer.json. */
function tokenizerConfig({ model }: LanguageSpec, tokenizer: Tokenizer): object {
  const { endOfText } = tokenizer
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: model.context,
    clean_up_tokenization_spaces: false,
    ...(endOfText === undefined ? {} : { eos_token: tokenizer.nameOf(endOfText) }),
    ...(canChat(tokenizer) ? { chat_template: CHAT_TEMPLATE } : {}),
  }
}

const finite = (n: number): number | null => (Number.isFinite(n) ? n : null)
const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
