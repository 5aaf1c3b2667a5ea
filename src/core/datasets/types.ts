import type { Bytes } from '../../shared/units.ts'

export type Task = 'classification' | 'regression'
export type Format = 'csv' | 'parquet' | 'jsonl' | 'idx' | 'images'

/** Something about the dataset the person should know. `error` stops `prepare`; the others do not. */
export interface Problem {
  code: string
  message: string
  fix: string
  severity: 'error' | 'warning' | 'info'
}

export type Role = 'feature' | 'target' | 'identifier' | 'constant' | 'ignored'

export interface ColumnReport {
  name: string
  type: 'number' | 'integer' | 'date' | 'text' | 'empty' | 'nested'
  role: Role
  /** Plain words: why it has this role. */
  why: string
  missing: number
  /** Different values; at least so many when `distinctIsMinimum`. */
  distinct: number
  distinctIsMinimum: boolean
  /** Up to three of its values, as they stand in the file. */
  examples: string[]
}

/** How a CSV was read, and why. */
export interface DialectReport {
  encoding: 'utf-8' | 'utf-16le' | 'utf-16be' | 'windows-1252'
  separator: ',' | ';' | '\t' | '|'
  decimal: '.' | ','
  header: boolean
  why: string[]
}

export interface ClassCount {
  name: string
  rows: number
}

export type Inspection = RowsInspection | TextInspection

/** A table, or images: rows with an answer each. */
export interface RowsInspection {
  path: string
  format: Format
  dialect?: DialectReport
  images?: { width: number; height: number; channels: 1 | 3; testRows: number; why?: string }
  rows: number
  columns: ColumnReport[]
  target?: string
  targetWhy: string
  task?: Task
  taskWhy: string
  /** For classification, most frequent first. */
  classes?: ClassCount[]
  preview: Preview
  problems: Problem[]
}

export interface Preview {
  columns: string[]
  rows: string[][]
}

/** How the documents of a text are written: as they are, as prompts with answers, as conversations. */
export type TextLayout = 'plain' | 'completions' | 'chat'

export interface TextInspection {
  path: string
  format: 'text'
  layout: TextLayout
  layoutWhy: string
  files: number
  /** Of the first file. */
  encoding: DialectReport['encoding']
  documents: number
  /** UTF-16 units: what JavaScript counts. */
  characters: number
  /** Different characters (code points). */
  alphabet: number
  tokenizer: { kind: 'characters' | 'bpe'; size: number; why: string }
  /** By that tokenizer; from a sample when `tokensAreEstimated`. */
  tokens: number
  tokensAreEstimated: boolean
  preview: Preview
  problems: Problem[]
}

/** Where and with how much a dataset may be worked on. All optional: the defaults suit a desktop. */
export interface Resources {
  /** Folder for temporary files; the system's own otherwise. Nothing is left in it. */
  temporary?: string
  /** Rows held in memory while they are scanned; more goes to a temporary file. */
  memory?: Bytes
  signal?: AbortSignal
}

/** How a text becomes tokens and rows. What is left out is chosen by the text. */
export interface TextOptions {
  /** One for each character, byte-pair encoding trained on the text, or the path of a tokenizer.json or its folder. */
  tokenizer?: string
  /** Tokens of a byte-pair encoding, at most. */
  vocabulary?: number
  /** T: tokens that a model sees at once. A row has one more, the last one's answer. */
  block?: number
  /** The longest block that is possible, where none is asked for: what a model that goes on learning sees at once. */
  longest?: number
}

/** Of images in class folders. What is left out is chosen by looking at all of them. */
export interface ImageOptions {
  /** Side of the square that is taken out of the middle, in pixels. */
  size?: number
  grey?: boolean
}

/** What a file is read as when its content alone does not tell. */
export type ReadAs = 'table' | 'text'

export interface InspectOptions extends Resources {
  as?: ReadAs
  text?: TextOptions
  images?: ImageOptions
  target?: string
  task?: Task
  /** Look at the first rows only. */
  sample?: number
}

export interface PrepareOptions extends Resources {
  /** A file, a folder of IDX files, texts or images, a zip of images, or the word `mnist`. */
  path: string
  as?: ReadAs
  text?: TextOptions
  images?: ImageOptions
  target?: string
  task?: Task
  /** encoding.json of a model that is to go on learning: nothing is fitted, the rows become numbers as its own did. */
  encoding?: string
  /** Folder for the shards, the holdout and encoding.json; made when missing. */
  out: string
  shards: number
  /** Fraction kept back; when not given 0.15 of the rows, but at most 10,000; of a text 0.1. */
  holdout?: number
  /** Decides which row goes where. */
  seed: number
  /** McMahan et al. 2017, section 3: each shard sees about so many classes only. For experiments. */
  skew?: { classesPerShard: number }
}

export interface Shard {
  path: string
  rows: number
  bytes: Bytes
  /** Hex, of the file. */
  sha256: string
}

export type Prepared = PreparedRows | PreparedText

interface PreparedFiles {
  /** All rows in use: shards and holdout. */
  rows: number
  holdoutRows: number
  shards: Shard[]
  /** Safetensors, as the shards; never leaves this machine. */
  holdout: string
  /** JSON, an `Encoding` or a `TextEncoding`. */
  encoding: string
}

/** Tensors `x` and `y`. */
export interface PreparedRows extends PreparedFiles {
  kind: 'rows'
  task: Task
  target: string
  /** Width of `x`. */
  inputs: number
  /** Classes, or 1 for regression. */
  outputs: number
  /** How the graph turns `x` into numbers: x·scale + shift. */
  input: { dtype: 'f32' | 'u8'; scale: number; shift: number }
  /** When rows are images. */
  image?: { width: number; height: number; channels: 1 | 3 }
  classes?: string[]
  inspection: RowsInspection
}

/** Tensors `tokens` `[rows, block + 1]` and, when `masked`, `mask` U8 `[rows, block]`. */
export interface PreparedText extends PreparedFiles {
  kind: 'text'
  layout: TextLayout
  /** Tokens are below it. */
  vocabulary: number
  /** T: tokens that a model sees at once. */
  block: number
  dtype: 'U16' | 'I32'
  /** 1 in `mask[i, t]`: the loss of target `tokens[i, t + 1]` counts. */
  masked: boolean
  documents: number
  characters: number
  tokens: { training: number; holdout: number }
  /** Path of its tokenizer.json. */
  tokenizer: string
}
