import { UserError } from '../../../shared/errors.ts'
import { constantWeights } from '../forward.ts'
import { encodeModel, Graph } from '../graph/index.ts'
import { modelOf, type TextArchitecture } from '../models/index.ts'
import { parameterCount } from '../parameters.ts'
import type { Tensors } from '../tensor.ts'
import { readingGraph } from './reading-graph.ts'

/** A file of the protobuf format ends at 2 GiB; the graph itself takes less than the rest. */
const MOST_WEIGHTS = (2 ** 31 - 2 ** 24) / 4

/** Whether `languageModelFile` can write it. */
export const fitsOneFile = (architecture: TextArchitecture): boolean =>
  parameterCount(architecture) <= MOST_WEIGHTS

/**
 * A model of text as one `.onnx` file, for ONNX Runtime in any language. Without a cache: `tokens` i32 `[1, context]` →
 * `logits` f32 `[1, context, vocabulary]`; what comes after a shorter text may be anything, for no token sees later ones.
 * With one it reads one token at a time: inputs and outputs as `readingGraph` says, with `n` 1 and room for the context.
 * @throws UserError `models/too-large` for a file
 */
export function languageModelFile(
  architecture: TextArchitecture,
  weights: Tensors,
  { cache }: { cache: boolean },
): Uint8Array {
  const count = parameterCount(architecture)
  if (!fitsOneFile(architecture))
    throw new UserError('models/too-large', {
      message: `A model of ${count} weights does not fit into one ONNX file, which ends at 2 GiB.`,
      fix: 'Use the model folder: model.safetensors has no such end.',
    })
  const { context } = architecture.model
  if (cache) return encodeModel(readingGraph(architecture, 1, context, weights).graph)
  const graph = new Graph(undefined, { general: true })
  const net = constantWeights(graph, architecture, weights)
  graph.output('logits', modelOf(architecture).forward(net, graph.input('tokens', 'i32', [1, context])))
  return encodeModel(graph)
}
