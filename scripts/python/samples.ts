// node scripts/python/samples.ts DIR: small models of random weights as Gradstr writes them, for check.py beside this.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeAdapter } from '../../src/core/models/index.ts'
import {
  initialWeights,
  languageModelFile,
  type TextArchitecture,
  writeSafetensors,
} from '../../src/core/training/index.ts'

const shared = { vocabulary: 65, context: 32, width: 48, layers: 2, heads: 4 }
const models: TextArchitecture[] = [
  { recipe: 'gpt', model: { ...shared, bias: true, activation: 'gelu_new' } },
  {
    recipe: 'llama',
    model: {
      ...shared,
      hidden: 100,
      keyValueHeads: 2,
      epsilon: 1e-5,
      theta: 10_000,
      scaling: { factor: 8, low: 1, high: 4, original: 16 },
      tied: false,
    },
  },
]
const targets = { gpt: ['c_attn', 'c_fc'], llama: ['q_proj', 'v_proj', 'down_proj'] }

/** Weights begin small: larger ones show more of the arithmetic. */
const lively = (architecture: TextArchitecture, seed: number) =>
  new Map(
    [...initialWeights(architecture, seed)].map(([name, { dtype, shape, data }]) => [
      name,
      { dtype, shape, data: Float32Array.from(data, (x, i) => 4 * Number(x) + 0.02 * Math.sin(i)) },
    ]),
  )

const [out] = process.argv.slice(2)
if (out === undefined) throw new Error('usage: node scripts/python/samples.ts DIR')
for (const architecture of models) {
  const folder = join(out, architecture.recipe)
  mkdirSync(folder, { recursive: true })
  const weights = lively(architecture, 1)
  await writeSafetensors(join(folder, 'model.safetensors'), weights, { format: 'pt' })
  writeFileSync(join(folder, 'architecture.json'), JSON.stringify(architecture))
  writeFileSync(join(folder, 'model.onnx'), languageModelFile(architecture, weights, { cache: false }))
  writeFileSync(join(folder, 'model-cached.onnx'), languageModelFile(architecture, weights, { cache: true }))
  const adapter = { rank: 3, alpha: 7, targets: targets[architecture.recipe], base: 'f32' as const }
  const adapted = { ...architecture, adapter }
  const own = lively(adapted, 2)
  await writeAdapter(join(folder, 'adapter'), { architecture: adapted, weights: own }, folder)
  writeFileSync(join(folder, 'adapted.onnx'), languageModelFile(architecture, merged(own), { cache: false }))

  /** The base with the adapters' products added. */
  function merged(matrices: ReturnType<typeof lively>) {
    const result = new Map(weights)
    for (const [name, a] of matrices) {
      if (!name.includes('lora_A')) continue
      const module = name.slice('base_model.model.'.length, -'.lora_A.weight'.length)
      const b = matrices.get(name.replace('lora_A', 'lora_B'))!
      const before = result.get(`${module}.weight`)!
      const [rank = 1, inputs = 1] = a.shape
      const [outputs = 1] = b.shape
      const data = before.data.map((x, at) => {
        const [i, o] =
          architecture.recipe === 'gpt'
            ? [Math.floor(at / outputs), at % outputs]
            : [at % inputs, Math.floor(at / inputs)]
        let sum = 0
        for (let r = 0; r < rank; r++) sum += a.data[r * inputs + i]! * b.data[o * rank + r]!
        return x + (adapter.alpha / adapter.rank) * sum
      })
      result.set(`${module}.weight`, { ...before, data })
    }
    return result
  }
}
