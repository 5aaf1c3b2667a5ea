import { type Graph, gather, type Value } from '../graph/index.ts'
import type { Dropout } from './dropout.ts'
import { type Frozen, widened, widenedRows } from './frozen.ts'
import type { Adapter } from './lora.ts'

/** What layers draw on while a graph is built. */
export interface Net {
  /**
   * A parameter by its name, e.g. `0.weight`: carried by the loop while training, an input of an evaluation, a constant
   * of an exported model.
   * @throws RangeError when the model has none of that name
   */
  parameter(name: string): Value
  /** Rows of a parameter by their numbers, e.g. of an embedding: `[…]` → `[…, width]`. */
  rows(name: string, indices: Value): Value
  /** What is added to the linear layer of that name, where something is. */
  adapter(name: string): Adapter | undefined
  /** What is dropped; nothing outside of training. */
  dropout?: Dropout | undefined
}

/** @param values  the model's parameters by name */
export function netOf(values: Iterable<readonly [string, Value]>): Net {
  const parameter = among(new Map(values))
  return { parameter, rows: (name, indices) => gather(parameter(name), indices), adapter: () => undefined }
}

/**
 * A frozen base with adapters.
 * @param graph  where the base's weights are used, e.g. a loop's body
 */
export function adaptedNet(
  graph: Graph,
  base: ReadonlyMap<string, Frozen>,
  adapters: ReadonlyMap<string, Adapter>,
): Net {
  const frozen = among(base)
  return {
    parameter: name => widened(graph, frozen(name)),
    rows: (name, indices) => widenedRows(graph, frozen(name), indices),
    adapter: name => adapters.get(name),
  }
}

const among =
  <T>(byName: ReadonlyMap<string, T>) =>
  (name: string): T => {
    const value = byName.get(name)
    if (!value) throw new RangeError(`the model has no parameter "${name}"`)
    return value
  }
