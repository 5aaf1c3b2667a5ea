import type { Bytes } from '../../shared/units.ts'

export type Task = 'classification' | 'regression'
export type Format = 'csv' | 'parquet' | 'jsonl' | 'idx'

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

export interface Inspection {
  path: string
  format: Format
  dialect?: DialectReport
  images?: { width: number; height: number; testRows: number }
  rows: number
  columns: ColumnReport[]
  target?: string
  targetWhy: string
  task?: Task
  taskWhy: string
  /** For classification, most frequent first. */
  classes?: ClassCount[]
  preview: { columns: string[]; rows: string[][] }
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

export interface InspectOptions extends Resources {
  target?: string
  task?: Task
  /** Look at the first rows only. */
  sample?: number
}

export interface PrepareOptions extends Resources {
  /** A file, a folder of IDX files, or the word `mnist`. */
  path: string
  target?: string
  task?: Task
  /** Folder for the shards, the holdout and encoding.json; made when missing. */
  out: string
  shards: number
  /** Fraction of the rows kept back; 0.15, but at most 10,000 rows, when not given. */
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

export interface Prepared {
  task: Task
  target: string
  /** Width of `x`. */
  inputs: number
  /** Classes, or 1 for regression. */
  outputs: number
  /** How the graph turns `x` into numbers: x·scale + shift. */
  input: { dtype: 'f32' | 'u8'; scale: number; shift: number }
  classes?: string[]
  /** All rows in use: shards and holdout. */
  rows: number
  holdoutRows: number
  shards: Shard[]
  /** Safetensors, as the shards; never leaves this machine. */
  holdout: string
  /** JSON, an `Encoding`. */
  encoding: string
  inspection: Inspection
}
