import sharp from 'sharp'
import { MOST_FILE } from './zip.ts'

/** Of one image; a file may claim more than memory holds. */
const MOST_PIXELS = 100_000_000
/** Greatest difference of two colours of a pixel in what still counts as grey: JPEG rounds. */
const GREY = 8
const LOOK = 32

export interface Look {
  width: number
  height: number
  grey: boolean
}

export interface Size {
  width: number
  height: number
  channels: 1 | 3
}

/** Decodes all of an image, turned as its camera says; transparent parts on white. @throws when it cannot be read */
const opened = (bytes: Buffer) => {
  if (bytes.length > MOST_FILE) throw new Error('it is larger than 64 MB')
  return sharp(bytes, { limitInputPixels: MOST_PIXELS, failOn: 'error', pages: 1 })
    .autoOrient()
    .flatten({ background: 'white' })
}

/** Its size and whether it is grey. */
export async function look(bytes: Buffer): Promise<Look> {
  const { data, info } = await opened(bytes).toColourspace('srgb').raw().toBuffer({ resolveWithObject: true })
  return { width: info.width, height: info.height, grey: isGrey(data, info.channels) }
}

function isGrey(pixels: Buffer, channels: number): boolean {
  if (channels < 3) return true
  // Every so many pixels: a photograph that is grey there is grey.
  const step = channels * Math.max(1, Math.floor(pixels.length / channels / (LOOK * LOOK * LOOK)))
  for (let i = 0; i + 2 < pixels.length; i += step) {
    const [r = 0, g = 0, b = 0] = [pixels[i], pixels[i + 1], pixels[i + 2]]
    if (Math.max(r, g, b) - Math.min(r, g, b) > GREY) return false
  }
  return true
}

/** The middle of the image at a size: `[height, width, channels]`, as pictures lie in memory. */
export async function pictureOf(bytes: Buffer, { width, height, channels }: Size): Promise<Uint8Array> {
  const sized = opened(bytes)
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .resize(width, height, { fit: 'cover' })
  const { data, info } = await sized.raw().toBuffer({ resolveWithObject: true })
  if (info.channels === channels) return data
  const picture = new Uint8Array(channels * width * height)
  for (let at = 0; at < picture.length; at++)
    picture[at] =
      data[Math.floor(at / channels) * info.channels + Math.min(at % channels, info.channels - 1)]!
  return picture
}

/** The same as `[channels, height, width]`, as models learn from it. */
export async function pixelsOf(bytes: Buffer, size: Size): Promise<Uint8Array> {
  const picture = await pictureOf(bytes, size)
  const { channels } = size
  const count = picture.length / channels
  return channels === 1
    ? picture
    : picture.map((_, at) => picture[(at % count) * channels + Math.floor(at / count)]!)
}
