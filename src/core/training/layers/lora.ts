import { z } from 'zod'
import { add, matmulTransposed, mul, type Value } from '../graph/index.ts'
import type { Parameter } from '../models/model.ts'
import { PRECISIONS } from './frozen.ts'
import type { Net } from './net.ts'

export const adapterConfig = z.object({
  /** r, the inner width of an adapter. */
  rank: z.int().min(1).max(1024),
  /** What an adapter adds is scaled by alpha / rank. */
  alpha: z.number().positive().max(1e6),
  /** Linear layers, by their whole names or the last parts of them, as PEFT's `target_modules`: `q_proj`, `mlp.c_fc`, … */
  targets: z.array(z.string().min(1).max(200)).min(1).max(256),
  /** How the base's matrices are kept, in memory and in the graph. */
  base: z.enum(PRECISIONS),
})
export type AdapterConfig = z.infer<typeof adapterConfig>

/** Low-rank adaptation of one linear layer: `y + x · Aᵀ · Bᵀ · alpha / rank`. */
export interface Adapter {
  /** `[rank, in]` */
  a: Value
  /** `[out, rank]` */
  b: Value
  scale: number
}

/** A linear layer's result `y` `[n, out]`, with what its adapter adds where it has one (Hu et al. 2021, arXiv 2106.09685). */
export function adapted(net: Net, name: string, x: Value, y: Value): Value {
  const adapter = net.adapter(name)
  if (!adapter) return y
  const { a, b, scale } = adapter
  return add(y, mul(matmulTransposed(matmulTransposed(x, a), b), scale))
}

/** PEFT's names of an adapter's two matrices. */
export const adapterNames = (module: string): { a: string; b: string } => ({
  a: `base_model.model.${module}.lora_A.weight`,
  b: `base_model.model.${module}.lora_B.weight`,
})

const isTarget = (module: string, { targets }: AdapterConfig): boolean =>
  targets.some(target => module === target || module.endsWith(`.${target}`))

/** The linear layers of a model that an adapter changes, with their widths. */
export function adaptedLayers(base: readonly Parameter[], config: AdapterConfig) {
  return base.flatMap(({ name, linear }) => {
    const module = name.replace(/\.weight$/, '')
    return linear && isTarget(module, config) ? [{ module, ...linear }] : []
  })
}

/** Their names. */
export const adaptedModules = (base: readonly Parameter[], config: AdapterConfig): string[] =>
  adaptedLayers(base, config).map(({ module }) => module)

/** The adapters' matrices. B begins with zeros, so that training begins with the base; A as PyTorch draws linear layers. */
export function adapterParameters(base: readonly Parameter[], config: AdapterConfig): Parameter[] {
  return adaptedLayers(base, config).flatMap(({ module, inputs, outputs }) => {
    const names = adapterNames(module)
    return [
      { name: names.a, shape: [config.rank, inputs], init: { uniform: 1 / Math.sqrt(inputs) } },
      { name: names.b, shape: [outputs, config.rank], init: { constant: 0 } },
    ]
  })
}
