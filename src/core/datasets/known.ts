import { UserError } from '../../shared/errors.ts'
import { DateColumn } from './cells/date-column.ts'
import type { KnownColumn } from './cells/known.ts'
import { NumberColumn } from './cells/number-column.ts'
import { TextColumn } from './cells/text-column.ts'
import { channelsOf, type Encoding, type Feature, type ImageEncoding } from './encoding.ts'
import type { Size } from './images/decode.ts'
import { nearNames } from './infer/near.ts'
import type { Found } from './open.ts'

// A model that goes on learning brings its encoding: nothing is fitted, and the dataset must have what it knows.

/** Place of each of the dataset's classes among the model's. @throws UserError `dataset/other-classes` */
export function classesAmong(names: readonly string[], known: readonly string[], where: string): Int32Array {
  const places = new Map(known.map((name, i) => [name, i]))
  const strange = names.filter(name => !places.has(name))
  if (strange.length === 0) return Int32Array.from(names, name => places.get(name)!) // none is strange
  throw new UserError('dataset/other-classes', {
    message: `The model does not know ${strange.length === 1 ? 'the class' : 'the classes'} ${listed(strange)}: it tells ${listed(known)} apart.`,
    fix: 'Leave those rows out, or train a new model.',
    where,
  })
}

/** @throws UserError `dataset/other-target` when another column is asked for than the one that the model predicts */
export function checkTarget(wanted: string | undefined, known: string, where: string): void {
  if (wanted === undefined || wanted === known) return
  throw new UserError('dataset/other-target', {
    message: `The model predicts "${known}", not "${wanted}".`,
    fix: 'Leave --target out, or train a new model.',
    where,
  })
}

/** A text says what is wrong by itself. @throws UserError `dataset/other-kind` for a table instead of pictures, and so on */
export function checkKind(given: Encoding, { kind }: Found, where: string): void {
  const pictures = kind === 'idx' || kind === 'images'
  if (kind === 'text' || pictures === (given.kind !== 'table')) return
  throw new UserError('dataset/other-kind', {
    message: pictures
      ? 'The model learned from a table, and these are images.'
      : 'The model learned from images, and this is a table.',
    fix: 'Give data of the kind that the model was trained on, or train a new one.',
    where,
  })
}

/** @throws UserError `dataset/other-size` */
export function checkSize(given: ImageEncoding | undefined, size: Size, where: string): void {
  if (
    !given ||
    (given.width === size.width && given.height === size.height && channelsOf(given) === size.channels)
  )
    return
  throw new UserError('dataset/other-size', {
    message: `The model takes ${sizeText(given)}; these are ${sizeText(size)}.`,
    fix: 'Give images of the size that the model was trained on.',
    where,
  })
}

const sizeText = (of: Size | ImageEncoding): string => {
  const channels = 'channels' in of ? of.channels : 1
  return `${channels === 1 ? 'grey' : 'colour'} images of ${of.width} × ${of.height} pixels`
}

type NamedColumn = { name: string; known: KnownColumn | undefined }

/**
 * The model's features with the dataset's columns that hold them.
 * @returns index of the column of each feature
 * @throws UserError `dataset/missing-column`, `dataset/other-column`
 */
export function columnsFor(
  features: readonly Feature[],
  columns: readonly NamedColumn[],
  where: string,
): number[] {
  return features.map(feature => {
    const at = columns.findIndex(({ name }) => name === feature.name)
    if (at < 0) throw missing(feature.name, columns, where)
    const held = holds(columns[at]?.known)
    if (held === feature.kind) return at
    throw new UserError('dataset/other-column', {
      message: `The column "${feature.name}" holds ${PLAIN[held]} here; the model knows it with ${PLAIN[feature.kind]}.`,
      fix: 'Give the column as it was in the data that the model was trained on.',
      where,
    })
  })
}

const PLAIN = { numeric: 'numbers', categorical: 'texts', date: 'dates', other: 'nested values' } as const

function holds(column: KnownColumn | undefined): keyof typeof PLAIN {
  if (column instanceof NumberColumn) return 'numeric'
  if (column instanceof DateColumn) return 'date'
  return column instanceof TextColumn ? 'categorical' : 'other'
}

function missing(name: string, columns: readonly NamedColumn[], where: string): UserError {
  const near = nearNames(
    name,
    columns.map(column => column.name),
  )
  return new UserError('dataset/missing-column', {
    message: `The model needs a column "${name}", which the dataset does not have.`,
    fix:
      near.length > 0
        ? `Is it ${near.map(n => `"${n}"`).join(' or ')}? Then name it as the model does.`
        : 'Add it; where a value is not known, leave the cell empty.',
    where,
  })
}

function listed(names: readonly string[]): string {
  const shown = names
    .slice(0, 6)
    .map(name => `"${name}"`)
    .join(', ')
  return names.length > 6 ? `${shown} and ${names.length - 6} more` : shown
}
