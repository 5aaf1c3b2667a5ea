import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { isAdapter, readAdapter, readTextFolder } from '../../src/core/models/index.ts'
import { languageModelFile, mergeAdapter, Reader, readPretrained } from '../../src/core/training/index.ts'

/** A language model's folder, or an adapter's with its base, as one model. */
async function opened(folder: string) {
  const adapted = await isAdapter(folder)
  const base = adapted ? resolve(folder, baseNamed(folder)) : folder
  const { architecture, tokenizer } = await readTextFolder(base)
  const weights = await readPretrained(architecture, base)
  if (!adapted) return { architecture, tokenizer, weights }
  const adapter = await readAdapter(folder, architecture)
  return { architecture, tokenizer, weights: mergeAdapter(adapter.architecture, weights, adapter.weights) }
}

const baseNamed = (folder: string): string =>
  JSON.parse(readFileSync(join(folder, 'adapter_config.json'), 'utf8')).base_model_name_or_path

/** The tokens of a text and, read one by one with a cache as `predict` does, the logits `[tokens, vocabulary]` after each. */
export async function logitsOf(folder: string, text: string) {
  const { architecture, tokenizer, weights } = await opened(folder)
  const reader = new Reader(architecture, weights, { threads: 1 })
  try {
    const tokens = [...tokenizer.encode(text)]
    const logits: number[][] = []
    for (const token of tokens) logits.push([...(await reader.read([token]))])
    return { tokens, logits }
  } finally {
    await reader.close()
  }
}

/** The ONNX file that reads one token at a time and takes the cache from its caller. */
export async function cachedModel(folder: string): Promise<Uint8Array> {
  const { architecture, weights } = await opened(folder)
  return languageModelFile(architecture, weights, { cache: true })
}
