import type { ReadAs, Task, TextOptions } from '../datasets/index.ts'
import type { EngineName, Room } from '../training/index.ts'
import type { Choices } from './recipe.ts'

export interface LocalOrder extends Choices {
  /** A file, a folder, or the word `mnist`. */
  dataset: string
  as?: ReadAs
  target?: string
  task?: Task
  text?: TextOptions
  seed: number
  /** Folder of a model to begin with, instead of new weights. */
  base?: string
  /** The model folder. */
  out: string
  title?: string
  /** How it computes, which may change from one part of a run to the next. */
  engine?: EngineName
  threads?: number
  gentle?: boolean
  /** Memory that it may take; any when left out. A batch that does not fit goes through the model in parts. */
  room?: Room
  /** Forgets what was begun before. */
  restart?: boolean
}
