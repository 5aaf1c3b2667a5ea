import { UserError } from '../../shared/errors.ts'
import type { Prepared } from '../datasets/index.ts'
import {
  modelOf,
  parameterCount,
  type TextArchitecture,
  type TrainingSpec,
  trainingSpec,
} from '../training/index.ts'
import type { Base } from './base.ts'
import type { AdapterChoices } from './recipe.ts'

/**
 * Of a base that goes on learning: more would make it forget. Adapters want about ten times the rate of full fine-tuning
 * (Schulman et al. 2025, "LoRA Without Regret").
 */
const RATES = { small: { whole: 3e-4, adapters: 3e-3 }, large: { whole: 5e-5, adapters: 5e-4 } }
const LARGE = 50_000_000

/** The learning rate's peak. */
export function tuningRate(base: Base, adapter: AdapterChoices | undefined): number {
  const size = parameterCount(base.kind === 'text' ? base.architecture : base.spec)
  return RATES[size < LARGE ? 'small' : 'large'][adapter ? 'adapters' : 'whole']
}

/** What the base decides of a training: model, task and how rows enter. @param prepared  of the base's kind */
export function fromBase(prepared: Prepared, base: Base, choices: AdapterChoices | undefined): object {
  if (base.kind === 'rows') return base.spec
  if (prepared.kind === 'rows') throw new TypeError('a model of text does not learn from rows')
  const { recipe, model } = base.architecture
  const { masked, block } = prepared
  const adapter = choices && { ...choices, targets: linearLayers(base.architecture) }
  return { recipe, model, task: 'language', masked, block, ...(adapter ? { adapter } : {}) }
}

/** All linear layers of its blocks, by the last parts of their names, as PEFT's `all-linear`. */
function linearLayers(architecture: TextArchitecture): string[] {
  const inBlocks = modelOf(architecture).parameters.filter(
    ({ name, linear }) => linear && name !== 'lm_head.weight',
  )
  return [...new Set(inBlocks.map(({ name }) => name.split('.').at(-2)!))] // NAME.weight
}

/** @throws UserError `local/too-large` */
export function specOf(values: object, base: Base | undefined): TrainingSpec {
  if (!base) return trainingSpec.parse(values)
  const parsed = trainingSpec.safeParse(values)
  if (parsed.success) return parsed.data
  throw new UserError('local/too-large', {
    message: `This base cannot be trained so: ${parsed.error.issues[0]?.message}.`,
    fix: 'Train adapters to it with --lora, or begin with a smaller model.',
    where: base.folder,
  })
}
