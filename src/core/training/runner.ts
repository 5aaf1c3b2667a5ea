import type { Data } from './data.ts'
import { count, fromOrt, toOrt } from './feeds.ts'
import { encodeModel } from './graph/index.ts'
import { ort } from './onnxruntime.ts'
import { openSession, runSession, type SessionOptions } from './session.ts'
import type { TrainingSpec } from './spec.ts'
import { stateOf, trainingGraph } from './step.ts'
import { elements, f32, type Tensors } from './tensor.ts'

/** The training graph of one spec over one dataset, open in the engine. */
export interface Runner {
  /**
   * Takes as many steps as `rows` has batches, in one call of the engine.
   * @param state  parameters and optimizer state, by the names of `stateOf`; left as it is
   * @param rows  `[steps, batch]` row numbers
   * @param first  steps of the job before these, which its schedule counts
   */
  run(state: Tensors, rows: Int32Array, first: number): Promise<{ state: Tensors; losses: Float32Array }>
  close(): Promise<void>
}

/** @throws UserError `training/engine` */
export async function openRunner(spec: TrainingSpec, data: Data, options: SessionOptions): Promise<Runner> {
  const session = await openSession(encodeModel(trainingGraph(spec)), options)
  const fixed = { x: toOrt(data.x), y: toOrt(data.y) }
  return {
    async run(state, rows, first) {
      const steps = rows.length / spec.batch
      const batches = new ort.Tensor('int32', rows, [steps, spec.batch])
      const before = [...state].map(([name, tensor]) => [`in/${name}`, toOrt(tensor)] as const)
      const feeds = {
        ...fixed,
        ...Object.fromEntries(before),
        steps: count(steps),
        first: count(first),
        batches,
      }
      const results = await runSession(session, feeds)
      return {
        state: new Map([...state.keys()].map(name => [name, fromOrt(results[`out/${name}`])])),
        losses: fromOrt(results.losses).data,
      }
    },
    close: () => session.release(),
  }
}

/** What training begins with: the weights, and zeros for the optimizer. */
export function freshState(spec: TrainingSpec, weights: Tensors): Tensors {
  const { optimizer } = stateOf(spec)
  const zeros = optimizer.map(
    ({ name, shape }) => [name, f32(shape, new Float32Array(elements(shape)))] as const,
  )
  return new Map([...weights, ...zeros])
}
