import type { Value } from '../graph/index.ts'

/** What layers draw on while a graph is built. */
export interface Net {
  /**
   * A parameter by its name, e.g. `0.weight`: carried by the loop while training, an input of an evaluation, a constant
   * of an exported model.
   * @throws RangeError when the model has none of that name
   */
  parameter(name: string): Value
}

/** @param values  the model's parameters by name */
export function netOf(values: Iterable<readonly [string, Value]>): Net {
  const byName = new Map(values)
  return {
    parameter(name) {
      const value = byName.get(name)
      if (!value) throw new RangeError(`the model has no parameter "${name}"`)
      return value
    },
  }
}
