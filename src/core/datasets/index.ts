export { encodeRows, valuesOf } from './encode-rows.ts'
export {
  type CategoricalFeature,
  channelsOf,
  type DateFeature,
  type Encoding,
  encoding,
  type Feature,
  type ImageEncoding,
  inputsOf,
  type NumericFeature,
  readEncoding,
  readTextEncoding,
  type TableEncoding,
  type TargetEncoding,
  type TextEncoding,
  textEncoding,
} from './encoding.ts'
export { mnistFolder, mnistTestImages } from './idx/folder.ts'
export { isIdx, readImages } from './idx/images.ts'
export { type Picture, readPictures } from './images/pictures.ts'
export { nearNames } from './infer/near.ts'
export { inspect } from './inspect.ts'
export { findDataset } from './open.ts'
export { prepare } from './prepare.ts'
export { type Row, readRows } from './rows.ts'
export type {
  ClassCount,
  ColumnReport,
  DialectReport,
  Format,
  ImageOptions,
  Inspection,
  InspectOptions,
  Prepared,
  PreparedRows,
  PreparedText,
  PrepareOptions,
  Problem,
  ReadAs,
  Resources,
  Role,
  RowsInspection,
  Shard,
  Task,
  TextInspection,
  TextLayout,
  TextOptions,
} from './types.ts'
export { widthOf } from './width.ts'
