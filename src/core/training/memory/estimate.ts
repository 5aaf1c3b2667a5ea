import { type Bytes, bytes } from '../../../shared/units.ts'
import { precisionOf } from '../base.ts'
import type { EngineName } from '../engine.ts'
import { Graph, liveNodes } from '../graph/index.ts'
import { type Architecture, modelOf } from '../models/index.ts'
import { rowOf, type TrainingSpec } from '../spec.ts'
import { stateOf, trainingGraph } from '../step.ts'
import { elements } from '../tensor.ts'
import { MemoryRun } from './run.ts'

/** What a run takes at its peak, beyond what its process had before. */
export interface TrainingMemory {
  /** Of the process. */
  process: Bytes
  /** Of the graphics card; 0 on the CPU. */
  card: Bytes
}

/** How a run computes, as far as memory is concerned. */
export interface MemoryManner {
  /** The CPU when left out. */
  engine?: EngineName | undefined
  /** Rows that go through the model at a time; the batch when left out. */
  microBatch?: number | undefined
}

/** Node and ONNX Runtime once they have run something: measured, 132 to 135 MB. */
export const RUNTIME = bytes(140 * 2 ** 20)
/** Of ONNX Runtime and of ours for each node of a graph: measured, 30 to 40 kB. */
const PER_NODE = 32 * 2 ** 10
/** A run's first results, and code that is loaded with it: measured. */
const PER_RUN = 5 * 2 ** 20
/** What operations need inside them, beside their results: measured, 5 to 15 %. */
const SCRATCH = 1.1
/** Calls after which nothing new happens. */
const CALLS = 3

/**
 * Memory of a training run: its graph is run as ONNX Runtime does, with nothing computed (`MemoryRun`). On the CPU within a
 * quarter of what was measured (docs/benchmarks.md); for cards by the same reasoning, not measured.
 * @param rows  of the dataset, which lies in memory
 */
export function trainingMemory(
  spec: TrainingSpec,
  rows: number,
  { engine = 'cpu', microBatch = spec.batch }: MemoryManner = {},
): TrainingMemory {
  const onCard = engine !== 'cpu'
  const graph = trainingGraph(spec, { microBatch, general: onCard })
  const run = SCRATCH * touched(graph, placed(spec, microBatch))
  const { weights, optimizer } = stateOf(spec)
  const initial = sizeOf(weights)
  const state = initial + sizeOf(optimizer)
  const data = rows * rowBytes(spec) + baseBytes(spec)
  const own = PER_RUN + PER_NODE * nodesOf(graph) + data
  return onCard
    ? // The state comes from the card to be kept, and what was kept before is still there.
      { process: bytes(own + 2 * state), card: bytes(run + state + data) }
    : { process: bytes(own + initial + run), card: bytes(0) }
}

/** Results have places in one block, which is faster and takes more memory, unless the batch comes in parts for want of it. */
export const placed = ({ batch }: TrainingSpec, microBatch = batch): boolean => microBatch === batch

function touched(graph: Graph, patterns: boolean): number {
  const run = new MemoryRun(patterns)
  let before = run.run(graph)
  for (let call = 1; call < CALLS; call++) {
    const after = run.run(graph)
    run.free(before)
    before = after
  }
  return run.touched
}

const sizeOf = (tensors: readonly { shape: readonly number[] }[]): number =>
  tensors.reduce((sum, { shape }) => sum + 4 * elements(shape), 0)

/** A text is read from its file into what goes in and what is to come out. */
function rowBytes(spec: TrainingSpec): number {
  const { x, y } = rowOf(spec)
  const tokens = spec.task === 'language' ? 4 * elements(x.shape) : 0
  return (x.dtype === 'u8' ? 1 : 4) * elements(x.shape) + 4 * elements(y.shape) + tokens
}

const WIDTH = { f32: 4, f16: 2, i8: 1 }
/** Of a frozen base, as it is kept. */
const baseBytes = (architecture: Architecture): number =>
  modelOf(architecture).frozen.reduce(
    (sum, { shape }) => sum + WIDTH[precisionOf(shape, architecture.adapter?.base)] * elements(shape),
    0,
  )

const nodesOf = (graph: Graph): number =>
  liveNodes(graph).reduce((sum, { attributes }) => {
    const bodies = Object.values(attributes).filter(attribute => attribute instanceof Graph)
    return sum + 1 + bodies.reduce((inner, body) => inner + nodesOf(body), 0)
  }, 0)
