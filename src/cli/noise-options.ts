import type { Command } from 'commander'
import type { Augment } from '../core/training/index.ts'
import { dropout, positive } from './options.ts'

/** What is random in each step of a training, as flags say it. */
export interface NoiseOptions {
  dropout?: number
  flip?: true
  crop?: number
}

export const noiseOptions = (command: Command): Command =>
  command
    .option('--dropout <share>', 'of the values, left out in each step', dropout)
    .option(
      '--flip',
      'of images: mirror about every second one, anew in each step; not for letters or digits',
    )
    .option(
      '--crop <pixels>',
      'of images: shift each by up to so many pixels, anew in each step',
      positive('pixels', 1023),
    )

/** As orders have it; what was not said is left out. */
export function noiseOf({ dropout, flip, crop }: NoiseOptions): { dropout?: number; augment?: Augment } {
  const augment = { ...(flip && { flip }), ...(crop && { crop }) }
  return {
    ...(dropout === undefined ? {} : { dropout }),
    ...(Object.keys(augment).length > 0 ? { augment } : {}),
  }
}
