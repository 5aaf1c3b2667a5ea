import { type Data, pickRows, readData } from './data.ts'
import type { Evaluator, EvaluatorOptions } from './evaluator.ts'
import { baseFeeds, fromOrt, toOrt, weightFeeds } from './feeds.ts'
import { forward, inputWeights } from './forward.ts'
import { encodeModel, Graph } from './graph/index.ts'
import { modelOf } from './models/index.ts'
import { openSession, runSession, type Session } from './session.ts'
import { blockOf, type LanguageSpec } from './spec.ts'
import { lossOf } from './step.ts'
import { elements, type Tensor } from './tensor.ts'

/** Logits per call of the engine at most: bounds memory. */
const LOGITS = 4 * 1024 * 1024

/**
 * Losses of language models: sums over tokens come from the engine, logits stay there. A graph has a fixed number of
 * blocks, a power of two; a call that has fewer is filled up with blocks in which no token counts.
 * @throws UserError `training/engine`
 */
export async function textEvaluator(spec: LanguageSpec, options: EvaluatorOptions): Promise<Evaluator> {
  const { parameters } = modelOf(spec)
  const logits = blockOf(spec) * spec.model.vocabulary
  const most = 2 ** Math.floor(Math.log2(Math.max(1, Math.min(64, LOGITS / logits))))
  const sessions = new Map<number, Session>()
  const sessionFor = async (blocks: number): Promise<Session> => {
    const session = sessions.get(blocks) ?? (await openSession(encodeModel(lossGraph(spec, blocks)), options))
    sessions.set(blocks, session)
    return session
  }
  return {
    load: path => readData(spec, path),
    async losses(weights, data, rows, signal) {
      const feeds = { ...baseFeeds(options.base), ...weightFeeds(parameters, weights) }
      const all = rows ? Array.from(rows) : Array.from({ length: data.rows }, (_, i) => i)
      let [sum, count] = [0, 0]
      for (let from = 0, blocks = 0; from < all.length; from += blocks) {
        signal?.throwIfAborted()
        blocks = Math.min(most, 2 ** Math.ceil(Math.log2(all.length - from)))
        const { x, y } = filled(data, all.slice(from, from + blocks), blocks)
        const result = await runSession(await sessionFor(blocks), { ...feeds, x: toOrt(x), y: toOrt(y) })
        sum += fromOrt(result.sum).data[0] ?? Number.NaN
        count += fromOrt(result.count).data[0] ?? Number.NaN
      }
      return { rows: all.length, loss: sum / count }
    },
    async close() {
      for (const session of sessions.values()) await session.release()
      sessions.clear()
    },
  }
}

function lossGraph(spec: LanguageSpec, blocks: number): Graph {
  const graph = new Graph()
  const shape = [blocks, blockOf(spec)]
  const [x, y] = [graph.input('x', 'i32', shape), graph.input('y', 'i32', shape)]
  // How good a model is says the plain cross-entropy, whatever it was trained with.
  const { sum, count } = lossOf(
    { ...spec, masked: true, smoothing: 0 },
    forward(spec, x, inputWeights(graph, spec)),
    y,
  )
  graph.output('sum', sum)
  if (typeof count !== 'number') graph.output('count', count)
  return graph
}

function filled(data: Data, rows: number[], blocks: number): { x: Tensor; y: Tensor } {
  const [x, y] = [pickRows(data.x, rows), pickRows(data.y, rows)]
  const missing = blocks - rows.length
  return missing === 0 ? { x, y } : { x: extended(x, missing, 0), y: extended(y, missing, -1) }
}

function extended({ dtype, shape, data }: Tensor, rows: number, value: number): Tensor {
  const [count = 0, ...rest] = shape
  const longer = new Int32Array((count + rows) * elements(rest)).fill(value)
  longer.set(Array.from(data, Number))
  return { dtype, shape: [count + rows, ...rest], data: longer }
}
