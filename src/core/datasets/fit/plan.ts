import { UserError } from '../../../shared/errors.ts'
import type { Block } from '../cells/column.ts'
import type { KnownColumn } from '../cells/known.ts'
import { TextColumn } from '../cells/text-column.ts'
import { type Feature, inputsOf, type TableEncoding, type TargetEncoding } from '../encoding.ts'
import { classesAmong, columnsFor } from '../known.ts'
import { assigner, bucketSizes, planSplit } from '../split.ts'
import type { Scanned } from '../table/scan.ts'
import type { Spool } from '../table/spool.ts'
import type { PrepareOptions, RowsInspection } from '../types.ts'
import { fitFor } from './fit.ts'
import { Moments } from './moments.ts'
import { type ClassStrata, classStrata, type Strata, tenthStrata } from './strata.ts'

/** Everything that is decided before the first row is written. */
export interface Plan {
  encoding: TableEncoding
  inputs: number
  features: { feature: Feature; at: number; slots: Int32Array | undefined }[]
  target: number
  /** Class of each stratum, where the answer is one. */
  classOf: Int32Array
  strata: Strata
  sizes: number[]
  /** Bucket of each row, block by block; NONE for rows without an answer. */
  buckets: Int32Array[]
}

/**
 * Splits the rows and fits the encoding to the shards' part of them, in one pass.
 * @param given  the encoding of a model that goes on learning: nothing is fitted then
 */
export function makePlan(
  scanned: Scanned,
  spool: Spool,
  inspection: RowsInspection,
  options: PrepareOptions,
  given?: TableEncoding,
): Plan {
  const places = placesOf(scanned)
  const chosen = scanned.columns.findIndex(({ name }) => name === inspection.target)
  const column = scanned.columns[chosen]!.known! // inspected without errors: the target is there and was read
  const target = places[chosen]!
  const classes = inspection.task === 'classification' ? classStrata(column, target) : undefined
  const strata = classes ?? tenthStrata(spool, scanned.rows, target)
  const { shards, holdout, seed, skew } = options
  const quotas = planSplit(strata.sizes, shards, holdout, seed, classes && skew)
  const fits = given
    ? []
    : scanned.columns.flatMap(({ name, known }, c) =>
        known && inspection.columns[c]?.role === 'feature' ? [fitFor(name, known, places[c]!)] : [],
      )
  const moments = new Moments()
  const buckets = assign(spool, strata, assigner(quotas, seed), (block, assigned) => {
    for (const fit of fits) fit.add(block, assigned)
    if (!classes) moments.add(block.columns[target]!, assigned)
  })
  const features = given
    ? placedFeatures(given, scanned, places)
    : fits.flatMap(fit => placed(fit.feature(), fit.column, fit.at))
  if (features.length === 0) nothingLearned(inspection)
  const encoding: TableEncoding = given ?? {
    v: 1,
    kind: 'table',
    features: features.map(f => f.feature),
    target: answerOf(inspection.target!, classes, moments),
  }
  const names = classes?.names ?? []
  return {
    encoding,
    inputs: inputsOf(encoding),
    features,
    target,
    classOf:
      encoding.target.kind === 'class'
        ? classesAmong(names, encoding.target.values, options.path)
        : new Int32Array(0),
    strata,
    sizes: bucketSizes(quotas),
    buckets,
  }
}

function answerOf(name: string, classes: ClassStrata | undefined, { mean, scale }: Moments): TargetEncoding {
  return classes ? { kind: 'class', name, values: classes.names } : { kind: 'number', name, mean, scale }
}

function nothingLearned({ path }: RowsInspection): never {
  throw new UserError('dataset/no-features', {
    message: 'Hardly a value of any column occurs twice: there is nothing to learn from.',
    fix: 'Add columns with numbers, dates or categories that recur, or more rows.',
    where: path,
  })
}

/** Place of each column in a block: columns that were not read have none. */
function placesOf({ columns }: Scanned): (number | undefined)[] {
  let next = 0
  return columns.map(({ known }) => (known ? next++ : undefined))
}

function assign(
  spool: Spool,
  strata: Strata,
  bucketsOf: (strata: Int32Array) => Int32Array,
  look: (block: Block, buckets: Int32Array) => void,
): Int32Array[] {
  const all: Int32Array[] = []
  for (const block of spool.blocks()) {
    const buckets = bucketsOf(strata.of(block))
    look(block, buckets)
    all.push(buckets)
  }
  return all
}

/** The features of a given encoding. */
function placedFeatures(
  { features }: TableEncoding,
  { columns, table }: Scanned,
  places: readonly (number | undefined)[],
): Plan['features'] {
  return columnsFor(features, columns, table.path).flatMap(
    (c, i) => placed(features[i], columns[c]!.known!, places[c]!), // `columnsFor` gives columns that were read
  )
}

/** A feature and, for text, the place of each of the dictionary's codes among the feature's values. */
function placed(feature: Feature | undefined, column: KnownColumn, at: number): Plan['features'] {
  if (!feature) return []
  if (!(column instanceof TextColumn) || feature.kind !== 'categorical')
    return [{ feature, at, slots: undefined }]
  const places = new Map(feature.values.map((value, i) => [value, i]))
  const slots = Int32Array.from(column.dictionary.values, v => places.get(v) ?? -1)
  return [{ feature, at, slots }]
}
