import { readImages, readRows } from '../../core/datasets/index.ts'
import { exportModel, openModel } from '../../core/models/index.ts'
import { given, type Handler } from './handler.ts'

export const exportFolder: Handler<'export'> = async input => ({ report: await exportModel(given(input)) })

export const predictFile: Handler<'predict'> = async ({ model: folder, input, threads }) => {
  const model = await openModel(folder, given({ threads }))
  try {
    const { config, encoding } = model
    const predictions =
      encoding.kind === 'idx'
        ? await model.predictImages((await readImages(input, encoding)).x)
        : await model.predict(await readRows(input))
    return { config, predictions }
  } finally {
    await model.close()
  }
}
