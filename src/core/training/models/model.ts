import type { Value } from '../graph/index.ts'
import type { Net } from '../layers/net.ts'
import type { Reading } from '../layers/reading.ts'

/** How a parameter begins. */
export type Init =
  /** Uniform in ±bound. */
  | { uniform: number }
  /** Normal around 0. */
  | { normal: number }
  | { constant: number }

export interface Parameter {
  /** As in the files of PyTorch or Hugging Face for the same architecture. */
  name: string
  shape: number[]
  init: Init
  /** Of the weight of a linear layer, to which an adapter can be added. */
  linear?: { inputs: number; outputs: number /** `[in, out]`, as `Conv1D`'s. */; transposed?: boolean }
}

/** A family of models: what it is made of, and how it computes. `M` is its configuration. */
export interface Model<M> {
  /** In the order in which files list them. */
  parameters(config: M): Parameter[]
  /** Of one row that enters: `[784]` numbers, `[1, 28, 28]` pixels, `[256]` tokens. */
  inputShape(config: M): number[]
  /** Of one row that leaves: logits, or predicted values. */
  outputShape(config: M): number[]
  /**
   * `[n, …inputShape]` → `[n, …outputShape]`. With a `reading`, which only models of text know, x is `[1, n]` tokens of
   * one text that go on from those before.
   */
  forward(net: Net, config: M, x: Value, reading?: Reading): Value
}
