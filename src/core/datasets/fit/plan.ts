import { UserError } from '../../../shared/errors.ts'
import type { KnownColumn } from '../cells/known.ts'
import { TextColumn } from '../cells/text-column.ts'
import { type Feature, inputsOf, type TableEncoding, type TargetEncoding } from '../encoding.ts'
import { classesAmong, columnsFor } from '../known.ts'
import { assigner, bucketSizes, planSplit } from '../split.ts'
import type { Scanned } from '../table/scan.ts'
import type { Spool } from '../table/spool.ts'
import type { PrepareOptions, Role, RowsInspection } from '../types.ts'
import type { Columns } from './encode-blocks.ts'
import { featureOf } from './fit.ts'
import { momentsOf } from './moments.ts'
import { type ClassStrata, classStrata, type Strata, tenthStrata } from './strata.ts'
import type { TalliedColumn, Tally, TallyRequest } from './tally.ts'

/** Everything that is decided before the first row is written. */
export interface Plan {
  encoding: TableEncoding
  columns: Columns
  /** Rows in each bucket. */
  sizes: number[]
  /** Bucket of each row, block by block; NONE for rows without an answer. */
  buckets: Int32Array[]
}

/** A table that was read, and what is wanted of it. */
interface Source {
  scanned: Scanned
  spool: Spool
  inspection: RowsInspection
  options: PrepareOptions
}

/** A column that was read. */
interface Placed {
  name: string
  known: KnownColumn
  role: Role
  /** Its place in each block. */
  at: number
}

type PlacedFeature = Columns['features'][number]

/**
 * Splits the rows and fits the encoding to the shards' part of them.
 * @param tally  here, or in a thread
 * @param given  the encoding of a model that goes on learning: nothing is fitted then
 */
export async function makePlan(
  { scanned, spool, inspection, options }: Source,
  tally: (request: TallyRequest) => Promise<Tally[]>,
  given?: TableEncoding,
): Promise<Plan> {
  const placed = placedOf(scanned, inspection)
  const read = placed.filter(column => column !== undefined)
  const target = read.find(({ role }) => role === 'target')! // inspected without errors: it is there and was read
  const classes = inspection.task === 'classification' ? classStrata(target.known, target.at) : undefined
  const strata = classes ?? tenthStrata(spool, scanned.rows, target.at)
  const { shards, holdout, seed, skew } = options
  const quotas = planSplit(strata.sizes, shards, holdout, seed, classes && skew)
  const buckets = assign(spool, strata, assigner(quotas, seed))
  const learned = read.filter(({ role }) => !given && (role === 'feature' || (role === 'target' && !classes)))
  const told = await tally({ blocks: spool.stored, buckets, columns: learned.map(talliedColumn) })
  const tallies = new Map(learned.map((column, i) => [column, told[i]!])) // one for each
  const features = given ? known(given, scanned, placed) : fitted(tallies)
  if (features.length === 0) nothingLearned(inspection)
  const encoding: TableEncoding = given ?? {
    v: 1,
    kind: 'table',
    features: features.map(({ feature }) => feature),
    target: answersOf(target, classes, tallies),
  }
  const columns: Columns = {
    features,
    target: { encoding: encoding.target, at: target.at, ...answerClasses(encoding, classes, options.path) },
    width: inputsOf(encoding),
  }
  return { encoding, columns, sizes: bucketSizes(quotas), buckets }
}

/** For each column of the table: a column that was not read has no place in a block. */
function placedOf({ columns }: Scanned, inspection: RowsInspection): (Placed | undefined)[] {
  let next = 0
  return columns.map(({ name, known }, c) =>
    known ? { name, known, role: inspection.columns[c]!.role, at: next++ } : undefined,
  )
}

const talliedColumn = ({ known, at }: Placed): TalliedColumn => ({
  at,
  texts: known instanceof TextColumn ? known.dictionary.size : undefined,
})

function fitted(tallies: ReadonlyMap<Placed, Tally>): PlacedFeature[] {
  return [...tallies].flatMap(([column, tally]) => {
    const feature = column.role === 'feature' ? featureOf(column.name, column.known, tally) : undefined
    return feature ? [placedFeature(feature, column)] : []
  })
}

/** The features of a given encoding. */
function known(
  { features }: TableEncoding,
  { columns, table }: Scanned,
  placed: readonly (Placed | undefined)[],
): PlacedFeature[] {
  const found = columnsFor(features, columns, table.path)
  return features.map((feature, i) => placedFeature(feature, placed[found[i]!]!)) // columns that were read
}

/** For text, with the place of each of the dictionary's codes among the feature's values. */
function placedFeature(feature: Feature, { known, at }: Placed): PlacedFeature {
  if (!(known instanceof TextColumn) || feature.kind !== 'categorical')
    return { feature, at, slots: undefined }
  const places = new Map(feature.values.map((value, i) => [value, i]))
  return { feature, at, slots: Int32Array.from(known.dictionary.values, v => places.get(v) ?? -1) }
}

function answersOf(
  target: Placed,
  classes: ClassStrata | undefined,
  tallies: ReadonlyMap<Placed, Tally>,
): TargetEncoding {
  const { name } = target
  if (classes) return { kind: 'class', name, values: classes.names }
  const tally = tallies.get(target)
  if (tally?.kind !== 'numbers') throw new TypeError('texts are no amounts')
  const { mean, scale } = momentsOf(tally.sums)
  return { kind: 'number', name, mean, scale }
}

/** A given encoding may know more classes than the table has. */
function answerClasses({ target }: TableEncoding, found: ClassStrata | undefined, path: string) {
  if (!found || target.kind === 'number') return { classes: undefined, classOf: undefined }
  return { classes: found.classes, classOf: classesAmong(found.names, target.values, path) }
}

function nothingLearned({ path }: RowsInspection): never {
  throw new UserError('dataset/no-features', {
    message: 'Hardly a value of any column occurs twice: there is nothing to learn from.',
    fix: 'Add columns with numbers, dates or categories that recur, or more rows.',
    where: path,
  })
}

function assign(spool: Spool, strata: Strata, bucketsOf: (strata: Int32Array) => Int32Array): Int32Array[] {
  const all: Int32Array[] = []
  for (const block of spool.blocks()) all.push(bucketsOf(strata.of(block)))
  return all
}
