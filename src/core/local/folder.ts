import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { z } from 'zod'
import { UserError } from '../../shared/errors.ts'
import type { Prepared } from '../datasets/index.ts'
import { trainingSpec } from '../training/index.ts'
import type { Recipe } from './recipe.ts'

/** Everything that a run which was stopped needs to go on. */
export interface Begun {
  /** What was asked for, as text that equals only itself. */
  asked: string
  prepared: Prepared
  recipe: Recipe
  seed: number
  /** Rows that go through the model at a time; the same all along, for sums differ in their last digits. */
  microBatch: number
}

const begun = z.object({
  asked: z.string(),
  // Written by ourselves from the room's own type.
  prepared: z.custom<Prepared>(value => typeof value === 'object' && value !== null),
  recipe: z.object({ spec: trainingSpec, steps: z.int().positive(), every: z.int().positive() }),
  seed: z.int().nonnegative(),
  microBatch: z.int().positive(),
})

const PLAN = 'plan.json'

/** Beside the model's folder: the prepared dataset, first weights, checkpoints. Removed when the model is written. */
export const workFolder = (out: string): string =>
  join(dirname(resolve(out)), `.${basename(resolve(out))}.training`)

/**
 * What was begun here, if anything was.
 * @throws UserError `local/other-training` when something else was asked for then
 */
export async function readBegun(folder: string, asked: string): Promise<Begun | undefined> {
  const text = await readFile(join(folder, PLAN), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined
    throw error
  })
  if (text === undefined) return undefined
  const found = begun.safeParse(JSON.parse(text))
  if (found.success && found.data.asked === asked) return found.data
  throw new UserError('local/other-training', {
    message:
      'A training with other settings, or of a dataset that has changed since, was begun for this folder and is not done.',
    fix: 'Run the command as it was to go on with it, add --restart to begin again, or choose another --out.',
    where: folder,
  })
}

/** The plan is written last: a folder without it holds nothing that could be gone on with. */
export async function writeBegun(folder: string, plan: Begun): Promise<void> {
  const temporary = join(folder, `${PLAN}.tmp`)
  const file = await open(temporary, 'w')
  try {
    await file.writeFile(JSON.stringify(plan))
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(temporary, join(folder, PLAN))
}

export async function emptied(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
}
