import { join } from 'node:path'
import {
  CharacterTrainer,
  END_OF_TEXT,
  END_OF_TURN,
  ROLES,
  roleMark,
  writeTokenizer,
} from '../../tokenizers/index.ts'
import { initialWeights, type LanguageSpec, type Tensors, writeSafetensors } from '../../training/index.ts'
import { exportTextModel } from './export.ts'

export const CONTEXT = 40
const trainer = new CharacterTrainer()
trainer.add('abcdefgh ')
export const tokenizer = trainer.finish([END_OF_TEXT, ...ROLES.map(roleMark), END_OF_TURN])

const optimizer = {
  name: 'adamw',
  learningRate: 1e-3,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  weightDecay: 0,
} as const
const shared = { task: 'language', batch: 2, optimizer } as const
const sizes = { vocabulary: tokenizer.size, context: CONTEXT, width: 8, layers: 1, heads: 2 }
export const specs: Record<'gpt' | 'llama', LanguageSpec> = {
  gpt: { recipe: 'gpt', ...shared, model: { ...sizes, bias: true, activation: 'gelu_new' } },
  llama: {
    ...{ recipe: 'llama', ...shared },
    model: { ...sizes, hidden: 16, keyValueHeads: 1, epsilon: 1e-5, theta: 1e4, tied: false },
  },
}

/** What a folder is made from: a tokenizer and a few blocks of text, in `folder`. */
export async function writeSmallText(folder: string): Promise<void> {
  await writeTokenizer(join(folder, 'tokenizer.json'), tokenizer)
  const data = Uint16Array.from({ length: 3 * (CONTEXT + 1) }, (_, i) => i % tokenizer.size)
  const tokens = { dtype: 'U16' as const, shape: [3, CONTEXT + 1], data }
  await writeSafetensors(join(folder, 'holdout'), new Map([['tokens', tokens]]))
}

/** Exports a model into `folder/name`, of random weights when none are given. @param base  of an adapter: its folder */
export async function writeSmallModel(
  folder: string,
  name: string,
  spec: LanguageSpec,
  { weights = initialWeights(spec, 1), base }: { weights?: Tensors; base?: string } = {},
): Promise<void> {
  await writeSafetensors(join(folder, 'weights'), weights)
  await exportTextModel({
    ...{ spec, weights: join(folder, 'weights'), tokenizer: join(folder, 'tokenizer.json') },
    ...{ holdout: join(folder, 'holdout'), training: { local: { steps: 1, batch: 2, curve: [] } } },
    ...{ out: join(folder, name), threads: 1, ...(base === undefined ? {} : { base }) },
  })
}
