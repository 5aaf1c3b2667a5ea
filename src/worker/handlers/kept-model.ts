import { stat } from 'node:fs/promises'
// Types only: the room behind them opens ONNX Runtime, which not every worker needs.
import type { OpenTextModel, OpenTextOptions } from '../../core/models/index.ts'

/** The language model that was asked last stays open: loading it takes longer than a turn of a conversation. */
export class KeptModel {
  #kept: { key: string; model: OpenTextModel } | undefined

  /** @throws UserError as `openTextModel` */
  async open(folder: string, options: OpenTextOptions): Promise<OpenTextModel> {
    const key = await keyOf(folder, options)
    if (this.#kept?.key === key) return this.#kept.model
    const old = this.#kept?.model
    this.#kept = undefined
    await old?.close()
    const { openTextModel } = await import('../../core/models/index.ts')
    const model = await openTextModel(folder, options)
    this.#kept = { key, model }
    return model
  }
}

/** A folder that was trained anew since is another one. */
async function keyOf(folder: string, options: OpenTextOptions): Promise<string> {
  const found = await stat(folder).catch(() => undefined)
  return JSON.stringify([folder, options, found?.ino, found?.mtimeMs])
}
