import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Tokenizer, writeTokenizer } from '../../tokenizers/index.ts'
import {
  type AdapterConfig,
  fitsOneFile,
  languageModelFile,
  type Tensors,
  type TextArchitecture,
  writeSafetensors,
} from '../../training/index.ts'
import { CONFIG, FILES, FORMAT, VERSION } from '../config.ts'
import { fingerprint } from '../folder.ts'
import { writeAdapter } from '../peft.ts'
import { type AdapterOwn, baseFiles } from './adapter.ts'
import { withBiases } from './biases.ts'
import { textCard } from './card.ts'
import { CHAT_TEMPLATE, canChat } from './chat.ts'
import {
  ADAPTER_OWN,
  type FileHashes,
  huggingFaceConfig,
  type OwnPart,
  TEXT_FILES,
  type TextLayout,
} from './config.ts'
import type { TextReport } from './report.ts'

/** Everything that a language model's folder tells. */
export interface TextModel {
  architecture: TextArchitecture
  /** Of an adapter its matrices alone. */
  weights: Tensors
  tokenizer: Tokenizer
  layout: TextLayout | undefined
  /** None of a model that others trained. */
  report: TextReport | undefined
}

/** A whole model in Hugging Face's layout. */
export async function writeTextFolder(folder: string, model: TextModel): Promise<void> {
  const { architecture, weights, tokenizer, layout } = model
  const biased = withBiases(architecture, weights)
  await writeSafetensors(join(folder, TEXT_FILES.weights), biased.weights, { format: 'pt' })
  if (fitsOneFile(architecture))
    await writeFile(join(folder, FILES.onnx), languageModelFile(architecture, weights, { cache: false }))
  await writeBeside(folder, model)
  const files = await hashed(folder)
  const own: OwnPart = {
    format: FORMAT,
    version: VERSION,
    files,
    ...(layout === undefined ? {} : { layout }),
  }
  const config = huggingFaceConfig(biased.architecture, tokenizer.endOfText, own)
  await writeFile(join(folder, CONFIG), json(config))
}

/** An adapter in PEFT's layout. @param base  the folder of its base */
export async function writeAdapterFolder(
  folder: string,
  model: TextModel & { architecture: { adapter?: AdapterConfig | undefined } },
  base: string,
): Promise<void> {
  const { architecture, weights, layout } = model
  const { adapter } = architecture
  if (!adapter) throw new TypeError('a whole model is no adapter')
  await writeAdapter(folder, { architecture: { ...architecture, adapter }, weights }, base)
  await writeBeside(folder, model, base)
  const files = await hashed(folder)
  const shared = { format: FORMAT, version: VERSION, files } as const
  const own: AdapterOwn = {
    ...shared,
    base: await baseFiles(base),
    ...(layout === undefined ? {} : { layout }),
  }
  await writeFile(join(folder, ADAPTER_OWN), json(own))
}

/** Tokenizer, report and card. */
async function writeBeside(folder: string, model: TextModel, base?: string): Promise<void> {
  const { architecture, tokenizer, layout, report } = model
  const at = (name: string) => join(folder, name)
  const chat = canChat({ tokenizer, layout })
  await writeTokenizer(at(TEXT_FILES.tokenizer), tokenizer)
  await writeFile(at(TEXT_FILES.tokenizerConfig), json(tokenizerConfig(architecture, tokenizer, chat)))
  if (report) await writeFile(at(TEXT_FILES.report), json(report))
  await writeFile(at(TEXT_FILES.card), textCard({ architecture, tokenizer, chat, report, base }))
}

async function hashed(folder: string): Promise<FileHashes> {
  const files: FileHashes = {}
  for (const name of (await readdir(folder)).sort()) files[name] = await fingerprint(join(folder, name))
  return files
}

/** What `transformers` asks for beside tokenizer.json. */
function tokenizerConfig({ model }: TextArchitecture, tokenizer: Tokenizer, chat: boolean): object {
  const { endOfText } = tokenizer
  return {
    tokenizer_class: 'PreTrainedTokenizerFast',
    model_max_length: model.context,
    clean_up_tokenization_spaces: false,
    ...(endOfText === undefined ? {} : { eos_token: tokenizer.nameOf(endOfText) }),
    ...(chat ? { chat_template: CHAT_TEMPLATE } : {}),
  }
}

const json = (value: unknown): string => `${JSON.stringify(value, undefined, 2)}\n`
