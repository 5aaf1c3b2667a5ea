import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UserError } from '../../../shared/errors.ts'
import { readTokenizer } from '../../tokenizers/index.ts'
import { CONFIG } from '../config.ts'
import { adapterOwn, baseOf, isAdapter } from './adapter.ts'
import { canChat, noChat, type Speaker } from './chat.ts'
import { ADAPTER_OWN, TEXT_FILES, textConfig } from './config.ts'
import { readJson } from './folder.ts'
import { isTextModel } from './open.ts'

/**
 * Refuses a folder whose model cannot talk, before it is loaded.
 * @param base  as for `openTextModel`
 * @throws UserError `models/not-a-language-model`, `generate/no-chat`, `models/adapter-base`, `tokenizer/…`
 */
export async function checkChat(folder: string, base?: string): Promise<void> {
  if (!(await isTextModel(folder))) throw notOfText(folder)
  const speaker = (await isAdapter(folder)) ? await adapted(folder, base) : await whole(folder)
  if (!canChat(speaker)) throw noChat()
}

async function whole(folder: string): Promise<Speaker> {
  const config = textConfig.safeParse(await readJson(join(folder, CONFIG))).data
  return { tokenizer: await readTokenizer(folder), layout: config?.gradstr?.layout }
}

async function adapted(folder: string, base?: string): Promise<Speaker> {
  const own = adapterOwn.safeParse(await readJson(join(folder, ADAPTER_OWN))).data
  const brought = await stat(join(folder, TEXT_FILES.tokenizer)).catch(() => undefined)
  const tokenizer = await readTokenizer(brought ? folder : await baseOf(folder, base))
  return { tokenizer, layout: own?.layout }
}

const notOfText = (where: string): UserError =>
  new UserError('models/not-a-language-model', {
    message: `"${where}" is not the folder of a language model.`,
    fix: 'Give the folder that `gradstr train-local` wrote for a text. Other models are asked with `gradstr predict`.',
    where,
  })
