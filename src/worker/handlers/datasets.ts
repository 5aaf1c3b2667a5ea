import { inspect, prepare } from '../../core/datasets/index.ts'
import { given, type Handler } from './handler.ts'

export const inspectDataset: Handler<'inspect'> = ({ path, text, images, ...options }, { signal }) =>
  inspect(path, { ...given(options), ...parts({ text, images }), signal })

export const prepareDataset: Handler<'prepare'> = ({ text, images, ...options }, { signal }) =>
  prepare({ ...given(options), ...parts({ text, images }), signal })

/** What a message says of texts and images, without what it leaves open. */
function parts({ text, images }: Pick<Parameters<typeof inspectDataset>[0], 'text' | 'images'>) {
  return { ...(text ? { text: given(text) } : {}), ...(images ? { images: given(images) } : {}) }
}
