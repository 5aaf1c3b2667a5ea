import { isIdx, readImages, readPictures, readRows } from '../../core/datasets/index.ts'
import { exportModel, type OpenModel, openModel, type Prediction } from '../../core/models/index.ts'
import { given, type Handler } from './handler.ts'

export const exportFolder: Handler<'export'> = async input => ({ report: await exportModel(given(input)) })

export const predictFile: Handler<'predict'> = async ({ model: folder, input, threads }, { signal }) => {
  const model = await openModel(folder, given({ threads }))
  try {
    const { config, encoding } = model
    if (encoding.kind === 'table') return { config, predictions: await model.predict(await readRows(input)) }
    if (await isIdx(input))
      return { config, predictions: await model.predictImages((await readImages(input, encoding)).x) }
    return { config, ...(await predictPictures(model, readPictures(input, encoding, signal))) }
  } finally {
    await model.close()
  }
}

/** So many are asked about together. */
const TOGETHER = 256

async function predictPictures(model: OpenModel, pictures: ReturnType<typeof readPictures>) {
  const predictions: Prediction[] = []
  const [names, unread]: [string[], { name: string; why: string }[]] = [[], []]
  let held: Uint8Array[] = []
  const ask = async () => {
    if (held.length > 0) predictions.push(...(await model.predictImages(Buffer.concat(held))))
    held = []
  }
  for await (const picture of pictures) {
    if ('why' in picture) {
      unread.push(picture)
      continue
    }
    names.push(picture.name)
    if (held.push(picture.pixels) === TOGETHER) await ask()
  }
  await ask()
  return { predictions, pictures: { names, unread } }
}
