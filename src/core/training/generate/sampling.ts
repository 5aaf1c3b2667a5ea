import { z } from 'zod'
import type { Random } from '../random.ts'

/** How the next token is chosen. */
export const samplingOptions = z.object({
  /** Logits are divided by it: 1 is the model's own distribution, less is bolder, 0 always takes the likeliest. */
  temperature: z.number().min(0).max(100).default(0.8),
  /** Only so many of the likeliest tokens may be chosen (Fan et al. 2018); all when left out. */
  topK: z.int().positive().optional(),
  /** Only the likeliest tokens that reach this probability together (Holtzman et al. 2020, "nucleus"); all when left out. */
  topP: z.number().gt(0).max(1).optional(),
})
export type SamplingOptions = z.infer<typeof samplingOptions>

/**
 * Chooses a token. Top-k is applied before top-p, both to the distribution at this temperature, as Hugging Face's
 * `generate` does.
 * @param logits  of each token; −∞ for those that must not be chosen
 */
export function sample(logits: Float32Array, options: SamplingOptions, random: Random): number {
  const { temperature, topK, topP } = options
  if (temperature === 0) return likeliest(logits)
  const ranked = topK === undefined && topP === undefined ? undefined : ranking(logits, topK)
  const weights = Float64Array.from(ranked ?? logits.keys(), token => logits[token]! / temperature)
  const largest = weights.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY)
  for (let i = 0; i < weights.length; i++) weights[i] = Math.exp(weights[i]! - largest)
  const kept = topP === undefined ? weights.length : nucleus(weights, topP)
  const drawn = draw(weights.subarray(0, kept), random)
  return ranked ? ranked[drawn]! : drawn
}

function likeliest(logits: Float32Array): number {
  let best = 0
  for (let i = 1; i < logits.length; i++) if (logits[i]! > logits[best]!) best = i
  return best
}

/** Tokens by falling logits, equal ones by number; at most `most`. */
function ranking(logits: Float32Array, most = logits.length): Int32Array {
  const order = Int32Array.from(logits.keys()).sort((a, b) => logits[b]! - logits[a]! || a - b)
  return order.subarray(0, most)
}

/** How many of the falling weights reach `part` of their sum; at least one. */
function nucleus(weights: Float64Array, part: number): number {
  const wanted = part * weights.reduce((sum, weight) => sum + weight, 0)
  let sum = 0
  const last = weights.findIndex(weight => {
    sum += weight
    return sum >= wanted
  })
  return last < 0 ? weights.length : last + 1
}

function draw(weights: Float64Array, random: Random): number {
  let left = random.float() * weights.reduce((sum, weight) => sum + weight, 0)
  const found = weights.findIndex(weight => {
    left -= weight
    return left < 0
  })
  // Rounding may leave a little over: the last one that has any weight takes it.
  return found < 0 ? weights.findLastIndex(weight => weight > 0) : found
}
