import { existsSync, readdirSync, rmdirSync, rmSync } from 'node:fs'
import { basename, dirname, extname, resolve } from 'node:path'
import { findDataset } from '../../core/datasets/index.ts'
import { ended } from '../../core/jobs/index.ts'
import { checkOut } from '../../core/models/index.ts'
import { UserError } from '../../shared/errors.ts'
import type { Cli } from '../cli.ts'
import { idText } from '../format.ts'
import { type Home, homeExists } from '../home.ts'
import { lockHome } from '../home-lock.ts'
import { type ArchivedJob, openArchive } from './archive.ts'

/** What a job reads and where its model goes, as absolute paths; `mnist` stays a word. */
export interface Places {
  dataset: string
  out: string
}

/**
 * Looks at both as far as that is cheap: before keys, servers or providers are made for a job, and before anything is
 * paid for a model that could not be written.
 * @throws UserError `dataset/…` (not there, empty, no dataset by its first bytes), `models/folder-taken`, `models/not-writable`
 */
export async function checkedPlaces(cli: Cli, dataset: string, out = defaultOut(dataset)): Promise<Places> {
  const path = dataset === 'mnist' ? dataset : resolve(cli.cwd, dataset)
  await findDataset(path)
  return { dataset: path, out: await checkedOut(cli, out) }
}

/** @throws UserError `models/folder-taken`, `models/not-writable` */
export async function checkedOut(cli: Cli, out: string): Promise<string> {
  const folder = resolve(cli.cwd, out)
  await checkOut(folder)
  return folder
}

/**
 * The folder to which a job that is taken up shall write its model instead of the one it has; undefined to leave it so.
 * @throws UserError `job/written`, `job/no-model`, `models/folder-taken`, `models/not-writable`
 */
export async function outOf(
  cli: Cli,
  { id, job }: ArchivedJob,
  chosen: string | undefined,
): Promise<string | undefined> {
  const { out } = job.plan!
  const over = ended(job)
  if (chosen === undefined) {
    if (!over) await checkOut(out).catch(error => Promise.reject(withOtherFolder(error, id)))
    return undefined
  }
  if (job.report !== undefined)
    throw new UserError('job/written', {
      message: 'The model of this job is written already.',
      where: out,
      fix: 'Copy that folder, or leave --out away.',
    })
  if (over && job.weights.length === 1)
    throw new UserError('job/no-model', {
      message: 'No round of this job was trained: there is no model to write.',
      fix: 'Leave --out away.',
    })
  return checkedOut(cli, chosen)
}

const withOtherFolder = (error: unknown, id: string): unknown =>
  error instanceof UserError
    ? new UserError(error.code, {
        message: error.message,
        ...(error.where === undefined ? {} : { where: error.where }),
        fix: `Free that folder, or name another one: \`gradstr resume ${idText(id)} --out FOLDER\`. Nothing is lost.`,
      })
    : error

const defaultOut = (dataset: string): string => `${basename(dataset, extname(dataset)) || 'dataset'}-model`

/**
 * Work in a home of play money. One that was made for it is deleted again where no job began: much that is wrong with a
 * dataset shows only when all of it is read.
 */
export async function orUnmade(home: Home, work: () => Promise<void>): Promise<void> {
  const missing = homeExists(home) ? undefined : firstMissing(home.folder)
  try {
    await work()
  } catch (error) {
    if (missing !== undefined && isIdle(home) && openArchive(home).jobs.length === 0)
      unmake(home.folder, missing)
    throw error
  }
}

/** Another process may have begun in the same new home meanwhile. */
function isIdle(home: Home): boolean {
  if (!homeExists(home)) return true
  try {
    lockHome(home, 'gradstr train').release()
    return true
  } catch (error) {
    if (error instanceof UserError && error.code === 'home/busy') return false
    throw error
  }
}

/** The outermost folder that has to be made for `folder`. */
const firstMissing = (folder: string): string =>
  existsSync(folder) || existsSync(dirname(folder)) ? folder : firstMissing(dirname(folder))

/** Deletes `folder`, and what is empty then of the folders above it, up to `first`. */
function unmake(folder: string, first: string): void {
  rmSync(folder, { recursive: true, force: true })
  for (let above = folder; above !== first; ) {
    above = dirname(above)
    if (readdirSync(above).length > 0) return
    rmdirSync(above)
  }
}
