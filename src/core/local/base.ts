import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../shared/errors.ts'
import { FILES, isAdapter, isModelFolder, isTextModel, readConfig, readTextFolder } from '../models/index.ts'
import { ENDS_OF_TEXT } from '../tokenizers/index.ts'
import { checkPretrained, type RowsSpec, type TextArchitecture } from '../training/index.ts'
import type { LocalOrder } from './order.ts'

/** A model that is to go on learning. */
export type Base = { folder: string } & (
  | { kind: 'text'; architecture: TextArchitecture }
  | { kind: 'rows'; spec: RowsSpec; encoding: string }
)

/**
 * Looks at the model that training is to begin with, its weights' names and shapes included, before anything is computed.
 * @throws UserError `local/base-…`, `models/…`, `tokenizer/…`, `training/weights`
 */
export async function openBase(order: LocalOrder & { base: string }): Promise<Base> {
  const base = await found(order.base)
  const recipe = base.kind === 'text' ? base.architecture.recipe : base.spec.recipe
  if (order.model !== undefined && order.model !== recipe) throw otherKind(order.model, recipe, base.folder)
  if (base.kind === 'rows' && order.adapter) throw noAdapters(recipe, base.folder)
  if (base.kind === 'text') checkText(order, base.architecture, base.folder)
  await checkPretrained(base.kind === 'text' ? base.architecture : base.spec, base.folder)
  return base
}

async function found(folder: string): Promise<Base> {
  if (!(await stat(folder).catch(() => undefined))?.isDirectory()) throw away(folder)
  if (await isAdapter(folder)) throw anAdapter(folder)
  if (await isTextModel(folder))
    return { kind: 'text', folder, architecture: (await readTextFolder(folder)).architecture }
  if (!(await isModelFolder(folder))) throw away(folder)
  const { spec } = await readConfig(folder)
  return { kind: 'rows', folder, spec, encoding: join(folder, FILES.encoding) }
}

function checkText({ text = {} }: LocalOrder, { model }: TextArchitecture, where: string): void {
  if (text.tokenizer !== undefined || text.vocabulary !== undefined)
    throw new UserError('local/base-tokenizer', {
      message: 'A base brings its own tokenizer: with another one its tokens would mean something else.',
      fix: 'Leave --tokenizer and --vocabulary out.',
      where,
    })
  if (text.block !== undefined && text.block > model.context)
    throw new UserError('local/base-context', {
      message: `Blocks of ${text.block} tokens were asked for; this base sees at most ${model.context} at once.`,
      fix: `Ask for --block ${model.context} or less, or leave it out.`,
      where,
    })
}

const away = (where: string): UserError =>
  new UserError('local/base-not-found', {
    message: 'There is no model to begin with here.',
    fix: 'Give the folder of a GPT-2 or Llama as Hugging Face has it (config.json, model.safetensors, tokenizer.json), or one that Gradstr wrote.',
    where,
  })

const anAdapter = (where: string): UserError =>
  new UserError('local/base-adapter', {
    message: 'This folder holds an adapter, which is no model without its base.',
    fix: 'Make one model of both with `gradstr merge`, and begin with that.',
    where,
  })

const otherKind = (asked: string, recipe: string, where: string): UserError =>
  new UserError('local/base-kind', {
    message: `"${asked}" was asked for, and the base is of the kind "${recipe}".`,
    fix: 'Leave --model out: it is that of the base.',
    where,
  })

const noAdapters = (recipe: string, where: string): UserError =>
  new UserError('local/base-rows', {
    message: `Adapters are for language models; the base is of the kind "${recipe}".`,
    fix: 'Leave --lora out: all of its weights are trained then.',
    where,
  })

/**
 * What went wrong with a dataset, for somebody who began with a base: its tokenizer cannot be changed or exchanged, so that
 * another fix helps than with a tokenizer alone.
 */
export function endless(error: unknown, base: Base | undefined): unknown {
  if (!base || !(error instanceof UserError) || error.code !== 'dataset/no-end-of-text') return error
  return new UserError('local/base-endless', {
    message:
      'The dataset has several documents, or prompts with answers, and this base has no token for the end of a text, which goes between them.',
    fix: `Give all of it as one plain text, or begin with a model whose tokenizer has ${ENDS_OF_TEXT.join(', ')}: Gradstr's own have one when they learned from several documents.`,
    where: base.folder,
    cause: error,
  })
}

/** @throws UserError `local/base-dataset` when the dataset is of another kind than what the base learned from */
export function checkDataset(base: Base | undefined, kind: 'rows' | 'text', where: string): void {
  if (!base || base.kind === kind) return
  const [of, is] =
    base.kind === 'text' ? ['a language model', 'no text'] : ['a model of rows with answers', 'a text']
  throw new UserError('local/base-dataset', {
    message: `The base is ${of}, and the dataset is ${is}.`,
    fix: 'Give a dataset of the kind that the base was trained on, or say with --as how it is to be read.',
    where,
  })
}
