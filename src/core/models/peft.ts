import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../shared/errors.ts'
import {
  type AdapterConfig,
  readWeights,
  type Tensors,
  type TextArchitecture,
  writeSafetensors,
} from '../training/index.ts'
import { ADAPTER_FILES } from './text/config.ts'

const { config: CONFIG, weights: WEIGHTS } = ADAPTER_FILES

/** An adapter and the architecture it belongs to, whose `adapter` is set. */
export interface Adapted {
  architecture: TextArchitecture & { adapter: AdapterConfig }
  /** Its two matrices for each layer, by PEFT's names. */
  weights: Tensors
}

const none = z.union([z.null(), z.literal(false), z.array(z.never()).max(0), z.record(z.string(), z.never())])
/** PEFT's adapter_config.json, as far as it decides the arithmetic; what we do not compute must be off. */
const peftConfig = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z.int().min(1),
  lora_alpha: z.number().positive(),
  target_modules: z.array(z.string()).min(1),
  bias: z.literal('none').default('none'),
  use_dora: none.default(false),
  use_rslora: none.default(false),
  modules_to_save: none.default(null),
  layers_to_transform: none.default(null),
  rank_pattern: none.default({}),
  alpha_pattern: none.default({}),
  exclude_modules: none.default(null),
  trainable_token_indices: none.default(null),
  target_parameters: none.default(null),
  layer_replication: none.default(null),
  lora_bias: none.default(false),
  alora_invocation_tokens: none.default(null),
  arrow_config: none.default(null),
  kasa_config: none.default(null),
  use_bdlora: none.default(null),
  use_qalora: none.default(false),
})

/**
 * Writes an adapter as PEFT does: adapter_config.json and adapter_model.safetensors.
 * @param base  path or name of the base model, which PEFT looks up when it is given none
 */
export async function writeAdapter(
  folder: string,
  { architecture, weights }: Adapted,
  base: string,
): Promise<void> {
  const { rank, alpha, targets } = architecture.adapter
  await mkdir(folder, { recursive: true })
  // The format that libraries of the Hugging Face family ask for before they load a file.
  await writeSafetensors(join(folder, WEIGHTS), weights, { format: 'pt' })
  const config = {
    peft_type: 'LORA',
    task_type: 'CAUSAL_LM',
    base_model_name_or_path: base,
    r: rank,
    lora_alpha: alpha,
    target_modules: targets,
    lora_dropout: 0,
    bias: 'none',
    // GPT-2's linear layers hold their weights the other way round.
    fan_in_fan_out: architecture.recipe === 'gpt',
    inference_mode: true,
  }
  await writeFile(join(folder, CONFIG), `${JSON.stringify(config, undefined, 2)}\n`)
}

/**
 * Reads a PEFT folder and checks that it belongs to a model.
 * @param base  the architecture of the base
 * @param precision  in which the base is to be kept
 * @throws UserError `models/not-an-adapter`, `models/unsupported`, `training/weights`, `training/safetensors`
 */
export async function readAdapter(
  folder: string,
  base: TextArchitecture,
  precision: AdapterConfig['base'] = 'f32',
): Promise<Adapted> {
  const parsed = peftConfig.safeParse(await configIn(folder))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw new UserError('models/unsupported', {
      message: `This adapter cannot be used: "${issue?.path.join('.')}" in its ${CONFIG}: ${issue?.message}.`,
      fix: 'Give a LoRA adapter of one rank for all its layers, without trained biases or further modules.',
      where: folder,
    })
  }
  const { r, lora_alpha, target_modules } = parsed.data
  const adapter = { rank: r, alpha: lora_alpha, targets: target_modules, base: precision }
  const architecture = { ...base, adapter }
  return { architecture, weights: await readWeights(architecture, join(folder, WEIGHTS)) }
}

/** Path or name of the base that an adapter says it belongs to; '' when it says nothing. @throws UserError `models/not-an-adapter` */
export async function baseNamed(folder: string): Promise<string> {
  const named = z.looseObject({ base_model_name_or_path: z.string() }).safeParse(await configIn(folder))
  return named.data?.base_model_name_or_path ?? ''
}

async function configIn(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, CONFIG), 'utf8'))
  } catch (cause) {
    throw new UserError('models/not-an-adapter', {
      message: `There is no readable ${CONFIG} in this folder.`,
      fix: 'Give the folder that PEFT or Gradstr wrote the adapter to.',
      where: folder,
      cause,
    })
  }
}
