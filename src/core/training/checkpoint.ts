import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { crc32 } from 'node:zlib'
import { z } from 'zod'
import { UserError } from '../../shared/errors.ts'
import { openSafetensors, readSafetensors, writeSafetensors } from './safetensors/index.ts'
import { type TrainingSpec, trainingSpec } from './spec.ts'
import { stateOf } from './step.ts'
import { f32, floats, sameShape, type Tensors } from './tensor.ts'

/** Everything that decides the next step, and what the run has to show so far. */
export interface Progression {
  step: number
  /** Parameters and optimizer state, by the names of `stateOf`. */
  state: Tensors
  /** Of every step so far. */
  losses: Float32Array
  /** SHA-256 of the checkpoints at multiples of `every`, oldest first. */
  checkpoints: string[]
}

const LOSSES = 'losses'
const metadata = z.object({
  run: z.string(),
  step: z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
  /** Of a recent state: what shows whether all of it reached the disk. */
  crc: z.string().optional(),
  checkpoints: z.string().transform(text => z.array(z.string()).parse(JSON.parse(text))),
})

/**
 * Tells runs apart: a checkpoint continues only the run with the same spec, numbers (seed, first step), first weights,
 * data and frozen base.
 */
export async function runIdentity(
  spec: TrainingSpec,
  numbers: number[],
  files: string[],
  base: Tensors,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify([trainingSpec.parse(spec), ...numbers]))
  for (const file of files) hash.update(await fileHash(file))
  for (const [name, { data }] of base)
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength))
  return hash.digest('hex')
}

async function fileHash(path: string): Promise<Buffer> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest()
}

const isCheckpoint = (name: string): boolean => /^step-\d+\.safetensors$/.test(name)
const isUnfinished = (name: string): boolean => /^step-\d+\.safetensors\..+\.tmp$/.test(name)
const nameOf = (step: number): string => `step-${String(step).padStart(9, '0')}.safetensors`
export const checkpointPath = (folder: string, step: number): string => join(folder, nameOf(step))

/** Writes a checkpoint so that a crash leaves it whole or absent. @returns its SHA-256, hex */
export async function saveCheckpoint(folder: string, run: string, at: Progression): Promise<string> {
  await mkdir(folder, { recursive: true })
  const { sha256 } = await writeSafetensors(checkpointPath(folder, at.step), tensorsOf(at), factsOf(run, at))
  return sha256
}

/**
 * Writes a state that is soon replaced, for a process that is killed. After a power cut it may be damaged; its checksum shows
 * that, and it is passed over.
 */
export async function saveRecent(folder: string, run: string, at: Progression): Promise<void> {
  await mkdir(folder, { recursive: true })
  const tensors = tensorsOf(at)
  const facts = { ...factsOf(run, at), crc: checksum(tensors) }
  await writeSafetensors(checkpointPath(folder, at.step), tensors, facts, { durable: false })
}

const tensorsOf = ({ state, losses }: Progression): Tensors =>
  new Map([...state, [LOSSES, f32([losses.length], losses)]])

const factsOf = (run: string, { step, checkpoints }: Progression) => ({
  run,
  step: String(step),
  checkpoints: JSON.stringify(checkpoints),
})

/** CRC-32 of all values, in the order of their names. */
function checksum(tensors: Tensors): string {
  let crc = 0
  for (const [, { data }] of [...tensors].sort(([a], [b]) => (a < b ? -1 : 1)))
    crc = crc32(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), crc)
  return String(crc)
}

/**
 * The newest sound checkpoint at or before `steps`; none in an empty folder. A damaged one is passed over, and what a process
 * that was killed had half written is removed.
 * @throws UserError `training/checkpoint-foreign` when the folder belongs to another run
 */
export async function lastCheckpoint(
  folder: string,
  run: string,
  spec: TrainingSpec,
  steps: number,
): Promise<Progression | undefined> {
  await mkdir(folder, { recursive: true })
  const files = await readdir(folder)
  await Promise.all(files.filter(isUnfinished).map(name => rm(join(folder, name), { force: true })))
  const names = files.filter(name => isCheckpoint(name) && name <= nameOf(steps))
  for (const name of names.sort().reverse()) {
    const path = join(folder, name)
    const found = await readCheckpoint(path, spec)
    if (found && found.run !== run) throw foreign(path)
    if (found) return found.at
  }
  return undefined
}

/** The hashes of a run that goes on from `at`: a checkpoint cannot hold its own. */
export async function hashesOf(
  { folder, every }: { folder: string; every: number },
  { step, checkpoints }: Omit<Progression, 'state'>,
): Promise<string[]> {
  if (step % every !== 0 || checkpoints.length >= step / every) return checkpoints
  return [...checkpoints, (await fileHash(checkpointPath(folder, step))).toString('hex')]
}

const foreign = (where: string): UserError =>
  new UserError('training/checkpoint-foreign', {
    message: 'This folder holds checkpoints of another training run.',
    fix: 'Give each run a folder of its own, or empty this one to begin again.',
    where,
  })

/** What a file holds, and of which run; nothing when it is no sound checkpoint of this spec. */
export async function readCheckpoint(
  path: string,
  spec: TrainingSpec,
): Promise<{ run: string; at: Progression } | undefined> {
  const opened = await openSafetensors(path).catch(passDamaged)
  if (!opened) return undefined
  const parsed = metadata.safeParse(Object.fromEntries(opened.metadata))
  await opened.close()
  if (!parsed.success) return undefined
  const tensors = await readSafetensors(path)
  const losses = tensors.get(LOSSES)
  const { weights, optimizer } = stateOf(spec)
  const state = new Map(
    [...weights, ...optimizer].flatMap(({ name, shape }) => {
      const tensor = tensors.get(name)
      return tensor?.dtype === 'F32' && sameShape(tensor.shape, shape) ? [[name, tensor] as const] : []
    }),
  )
  const { run, step, checkpoints, crc } = parsed.data
  if (crc !== undefined && crc !== checksum(tensors)) return undefined
  if (losses?.dtype !== 'F32' || losses.data.length !== step) return undefined
  if (state.size < weights.length + optimizer.length) return undefined
  return { run, at: { step, state, losses: floats(losses), checkpoints } }
}

/** Removes the checkpoints of earlier steps than `step`, for a run whose earlier ones nobody will ask for. */
export async function dropCheckpointsBefore(folder: string, step: number): Promise<void> {
  const old = (await readdir(folder)).filter(name => isCheckpoint(name) && name < nameOf(step))
  await Promise.all(old.map(name => rm(join(folder, name))))
}

/** A damaged checkpoint costs the steps since the one before it; any other error is the caller's. */
function passDamaged(error: unknown): undefined {
  if (error instanceof UserError && error.code === 'training/safetensors') return undefined
  throw error
}
