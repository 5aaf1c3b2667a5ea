import { type Data, pickRows, readData, sliceRows } from './data.ts'
import { fromOrt, toOrt, weightFeeds } from './feeds.ts'
import { forward, inputWeights } from './forward.ts'
import { type Dim, encodeModel, fixed, Graph, liveNodes } from './graph/index.ts'
import { accuracyOf, crossEntropyOf, squaredErrorOf } from './metrics.ts'
import { modelOf } from './models/index.ts'
import { openSession, runSession, type Session, type SessionOptions } from './session.ts'
import { type RowsSpec, rowOf, type TrainingSpec } from './spec.ts'
import { elements, floats, type Tensor, type Tensors } from './tensor.ts'
import { textEvaluator } from './text-evaluator.ts'

/** Values of the widest result of a call of the engine: bounds memory, that of a convolution's results above all. */
const CHUNK_VALUES = 8 * 1024 * 1024
const CHUNK_ROWS = 8192

export interface Losses {
  rows: number
  /** Mean cross-entropy in nats, or mean squared error. Not finite when the weights or the results are not. */
  loss: number
  /** Of classifications. */
  accuracy?: number
}

export interface EvaluatorOptions extends SessionOptions {
  /** Of an adapter's base, as `readBase` gives it. */
  base?: Tensors | undefined
}

/** Runs a model forward with any weights of its shape; the engine's session stays open until `close`. */
export interface Evaluator {
  /** Reads a dataset once for many questions. */
  load(path: string): Promise<Data>
  /**
   * @param rows  row numbers to look at; all when left out
   * @param signal  ends it, with its reason, before the next call of the engine
   */
  losses(weights: Tensors, data: Data, rows?: ArrayLike<number>, signal?: AbortSignal): Promise<Losses>
  close(): Promise<void>
}

export interface RowsEvaluator extends Evaluator {
  /** Raw outputs `[rows, outputs]`: logits of a classification. @param x  `[rows, …inputs]` */
  predict(weights: Tensors, x: Tensor): Promise<Float32Array>
}

/** @throws UserError `training/engine` */
export function evaluator(spec: RowsSpec, options?: EvaluatorOptions): Promise<RowsEvaluator>
export function evaluator(spec: TrainingSpec, options?: EvaluatorOptions): Promise<Evaluator>
export async function evaluator(spec: TrainingSpec, options: EvaluatorOptions = {}): Promise<Evaluator> {
  if (spec.task === 'language') return textEvaluator(spec, options)
  const session = await openSession(encodeModel(evaluationGraph(spec)), options)
  const chunk = rowsTogether(spec)
  const predict = (weights: Tensors, x: Tensor, signal?: AbortSignal) =>
    predictChunks({ spec, chunk, signal }, session, weights, x)
  return {
    load: path => readData(spec, path),
    predict: (weights, x) => predict(weights, x),
    async losses(weights, data, rows, signal) {
      const x = rows ? pickRows(data.x, rows) : data.x
      const y = rows ? pickRows(data.y, rows) : data.y
      return lossesOf(spec, await predict(weights, x, signal), y)
    },
    close: () => session.release(),
  } satisfies RowsEvaluator as Evaluator
}

/** Raw inputs `x` and the parameters in, `predictions` out; any number of rows. */
function evaluationGraph(spec: RowsSpec, rows: Dim = 'rows'): Graph {
  const graph = new Graph()
  const { x: row } = rowOf(spec)
  const x = graph.input('x', row.dtype, [rows, ...row.shape])
  graph.output('predictions', forward(spec, x, inputWeights(graph, spec)))
  return graph
}

function lossesOf(spec: RowsSpec, predictions: Float32Array, y: Tensor): Losses {
  const rows = y.shape[0] ?? 0
  if (!(y.data instanceof Int32Array)) return { rows, loss: squaredErrorOf(predictions, floats(y)) }
  const outputs = elements(modelOf(spec).outputShape)
  return {
    rows,
    loss: crossEntropyOf(predictions, y.data, outputs),
    accuracy: accuracyOf(predictions, y.data, outputs),
  }
}

/** Values that the widest result in the graph has for each row: a convolution's are many more than what goes in. */
function widestRow(spec: RowsSpec): number {
  const sizes = (rows: number) =>
    liveNodes(evaluationGraph(spec, rows)).flatMap(({ outputs }) =>
      outputs.map(({ shape }) => elements(fixed(shape))),
    )
  const one = sizes(1)
  return Math.max(elements(rowOf(spec).x.shape), ...sizes(2).map((size, i) => size - (one[i] ?? 0)))
}

/** Rows that go through the model in one call of the engine. */
export const rowsTogether = (spec: RowsSpec): number =>
  Math.max(1, Math.min(CHUNK_ROWS, Math.floor(CHUNK_VALUES / widestRow(spec))))

async function predictChunks(
  { spec, chunk, signal }: { spec: RowsSpec; chunk: number; signal: AbortSignal | undefined },
  session: Session,
  weights: Tensors,
  x: Tensor,
): Promise<Float32Array> {
  const { outputShape, parameters: declared } = modelOf(spec)
  const [rows = 0] = x.shape
  const outputs = elements(outputShape)
  const fixed = weightFeeds(declared, weights)
  const predictions = new Float32Array(rows * outputs)
  for (let from = 0; from < rows; from += chunk) {
    signal?.throwIfAborted()
    const part = toOrt(sliceRows(x, from, Math.min(rows, from + chunk)))
    const result = await runSession(session, { ...fixed, x: part })
    predictions.set(fromOrt(result.predictions).data, from * outputs)
  }
  return predictions
}
