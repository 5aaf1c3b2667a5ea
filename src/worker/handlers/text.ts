import { exportTextModel, openTextModel } from '../../core/models/index.ts'
import type { TrainingSpec } from '../../core/training/index.ts'
import { given, type Handler } from './handler.ts'

export const exportTextFolder: Handler<'exportText'> = async ({ spec, ...input }) => ({
  report: await exportTextModel({ ...given(input), spec: languageOf(spec) }),
})

function languageOf(spec: TrainingSpec) {
  if (spec.task === 'language') return spec
  throw new TypeError(`a model of ${spec.task} is no language model`)
}

export const generateText: Handler<'generate'> = async (input, { signal, progress }) => {
  const { model: folder, prompt, most, sampling, seed, threads } = input
  const model = await openTextModel(folder, given({ threads }))
  try {
    const began = performance.now()
    let [text, tokens] = ['', 0]
    const onToken = () => tokens++
    for await (const piece of model.write({ prompt, most, seed, ...given(sampling), signal, onToken })) {
      text += piece
      progress({ text: piece })
    }
    return { text, tokens, seconds: (performance.now() - began) / 1000 }
  } finally {
    await model.close()
  }
}
