import { readdir, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../../shared/errors.ts'
import { readTokenizer, type Tokenizer } from '../../tokenizers/index.ts'
import { mergeAdapter, readPretrained, type Tensors, type TextArchitecture } from '../../training/index.ts'
import { CONFIG, FORMAT, VERSION } from '../config.ts'
import { fingerprint } from '../folder.ts'
import { baseNamed, readAdapter } from '../peft.ts'
import { ADAPTER_FILES, ADAPTER_OWN, type FileHashes, fileHashes, layout, TEXT_FILES } from './config.ts'
import { checkFiles, checkTokenizer, readJson, readTextFolder } from './folder.ts'

export const adapterOwn = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  files: fileHashes,
  layout: layout.optional(),
  /** The files of the base that the adapter was trained on. */
  base: fileHashes,
})
export type AdapterOwn = z.infer<typeof adapterOwn>

/** A base with an adapter, as one model. */
export interface AdaptedModel {
  /** The base's, without adapter. */
  architecture: TextArchitecture
  /** With the adapter added to them. */
  weights: Tensors
  tokenizer: Tokenizer
  layout: AdapterOwn['layout']
}

export const isAdapter = (folder: string): Promise<boolean> =>
  stat(join(folder, ADAPTER_FILES.config)).then(
    found => found.isFile(),
    () => false,
  )

/**
 * Opens a PEFT folder, ours or another's, together with its base.
 * @param at  where the base lies now, when it is not where the adapter says
 * @throws UserError `models/adapter-base`, `models/not-an-adapter`, `models/unsupported`, `models/damaged`, `training/weights`
 */
export async function openAdapted(folder: string, at?: string): Promise<AdaptedModel> {
  const own = adapterOwn.safeParse(await readJson(join(folder, ADAPTER_OWN))).data
  await checkFiles(folder, own?.files ?? {})
  const base = await baseOf(folder, at)
  await checkBase(base, own?.base ?? {})
  const found = await readTextFolder(base)
  const { architecture, weights } = await readAdapter(folder, found.architecture)
  const tokenizer = await ownTokenizer(folder, found.tokenizer)
  checkTokenizer(tokenizer, found.architecture, folder)
  return {
    architecture: found.architecture,
    weights: mergeAdapter(architecture, await readPretrained(found.architecture, base), weights),
    tokenizer,
    layout: own?.layout,
  }
}

/** An adapter may bring a tokenizer; PEFT's often have none. */
async function ownTokenizer(folder: string, ofBase: Tokenizer): Promise<Tokenizer> {
  const path = join(folder, TEXT_FILES.tokenizer)
  const brought = await stat(path).catch(() => undefined)
  return brought ? readTokenizer(path) : ofBase
}

/** Where the base of an adapter lies. @throws UserError `models/adapter-base` when it is not there */
export async function baseOf(folder: string, at?: string): Promise<string> {
  const base = at ?? resolve(folder, await baseNamed(folder))
  const found = await stat(join(base, CONFIG)).catch(() => undefined)
  if (!found) throw baseAway(base, at === undefined ? folder : base)
  return base
}

async function checkBase(base: string, files: FileHashes): Promise<void> {
  for (const [name, { sha256 }] of Object.entries(files)) {
    const now = await fingerprint(join(base, name)).catch(() => undefined)
    if (now?.sha256 !== sha256) throw otherBase(base, name)
  }
}

/** The files that make a base what it is: its config.json and its weights. */
export async function baseFiles(base: string): Promise<FileHashes> {
  const names = (await readdir(base)).filter(
    name => name === CONFIG || /^model.*\.safetensors(\.index\.json)?$/.test(name),
  )
  const files: FileHashes = {}
  for (const name of names.sort()) files[name] = await fingerprint(join(base, name))
  return files
}

const baseAway = (base: string, where: string): UserError =>
  new UserError('models/adapter-base', {
    message: `This is an adapter, and the base model that it belongs to is not at "${base}".`,
    fix: 'Name the folder of the base model with --base DIR.',
    where,
  })

const otherBase = (base: string, name: string): UserError =>
  new UserError('models/adapter-base', {
    message: `"${base}" is not the model that this adapter was trained on: its "${name}" is another one.`,
    fix: 'Name the folder of the right base model with --base DIR.',
    where: base,
  })
