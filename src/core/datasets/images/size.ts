import { UserError } from '../../../shared/errors.ts'
import type { ImageOptions } from '../types.ts'
import type { Size } from './decode.ts'
import type { Seen } from './scan.ts'

/** Sides that models are usually made for: MNIST's, CIFAR's, and twice that. */
const SIDES = [28, 32, 64] as const
/** From so many pixels of the shorter side on, a larger one is worth its cost. */
const ENOUGH_FOR_64 = 48
const MOST_SIDE = 1_024

export interface ChosenSize extends Size {
  why: string
}

/** The one size of all images. @throws UserError `dataset/image-size` */
export function chooseSize(images: readonly Seen[], { size, grey }: ImageOptions = {}): ChosenSize {
  if (size !== undefined && !(Number.isInteger(size) && size >= 8 && size <= MOST_SIDE)) {
    throw new UserError('dataset/image-size', {
      message: `Images of ${size} × ${size} pixels are not possible.`,
      fix: `Give a side from 8 to ${MOST_SIDE} pixels, e.g. 32.`,
    })
  }
  const channels = (grey ?? images.every(image => image.grey)) ? 1 : 3
  if (size !== undefined) return { width: size, height: size, channels, why: 'As it was asked for.' }
  const { width, height } = images[0]!
  if (Math.max(width, height) <= 64 && images.every(i => i.width === width && i.height === height))
    return { width, height, channels, why: 'All images have this size.' }
  const shorter = images.map(image => Math.min(image.width, image.height)).sort((a, b) => a - b)
  const median = shorter[Math.floor(shorter.length / 2)]!
  const side = median <= SIDES[0] ? SIDES[0] : median < ENOUGH_FOR_64 ? SIDES[1] : SIDES[2]
  return {
    width: side,
    height: side,
    channels,
    why: `Shorter sides are ${shorter[0]} to ${shorter.at(-1)} pixels long, half of them at least ${median}; the middle of each image is used.`,
  }
}
