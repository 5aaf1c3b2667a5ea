import { exportTextModel, mergeModel } from '../../core/models/index.ts'
import type { TrainingSpec } from '../../core/training/index.ts'
import { given, type Handler } from './handler.ts'
import type { KeptModel } from './kept-model.ts'

export const exportTextFolder: Handler<'exportText'> = async ({ spec, ...input }) => ({
  report: await exportTextModel({ ...given(input), spec: languageOf(spec) }),
})

function languageOf(spec: TrainingSpec) {
  if (spec.task === 'language') return spec
  throw new TypeError(`a model of ${spec.task} is no language model`)
}

export const mergeAdapter: Handler<'merge'> = async input => {
  await mergeModel(given(input))
  return {}
}

/** @param models  keeps the model open for the next turn of a conversation */
export const generateText =
  (models: KeptModel): Handler<'generate'> =>
  async ({ model: folder, base, prompt, most, sampling, seed, threads }, { signal, progress }) => {
    const model = await models.open(folder, given({ base, threads }))
    const began = performance.now()
    let [text, tokens] = ['', 0]
    const onToken = () => tokens++
    for await (const piece of model.write({ prompt, most, seed, ...given(sampling), signal, onToken })) {
      text += piece
      progress({ text: piece })
    }
    return { text, tokens, seconds: (performance.now() - began) / 1000 }
  }
