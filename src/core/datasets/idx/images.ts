import { open } from 'node:fs/promises'
import { UserError } from '../../../shared/errors.ts'
import { channelsOf, type ImageEncoding } from '../encoding.ts'
import { withIdx } from './dataset.ts'

const MOST_BYTES = 1024 * 1024 * 1024

/** Whether a file is one of the IDX format, packed or not. */
export async function isIdx(path: string): Promise<boolean> {
  if (path.endsWith('.gz')) return true
  const file = await open(path).catch(() => undefined)
  if (!file) return false
  try {
    const { buffer, bytesRead } = await file.read(new Uint8Array(3), 0, 3, 0)
    return bytesRead === 3 && buffer[0] === 0 && buffer[1] === 0 && buffer[2] === 8
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EISDIR') return false
    throw error
  } finally {
    await file.close()
  }
}

/**
 * Images of one IDX file (…-images-idx3-ubyte, also .gz) as a model's raw inputs.
 * @returns `x` u8 [rows, height·width]
 * @throws UserError `dataset/idx`, `dataset/idx-mismatch`
 */
export function readImages(path: string, encoding: ImageEncoding): Promise<{ rows: number; x: Uint8Array }> {
  const { width, height } = encoding
  return withIdx(path, async file => {
    const [rows = 0, ...size] = file.shape
    const fits = channelsOf(encoding) === 1 && size[0] === height && size[1] === width
    if (!fits || rows * width * height > MOST_BYTES) {
      throw new UserError('dataset/idx-mismatch', {
        message: `The model takes ${channelsOf(encoding) === 1 ? '' : 'colour '}images of ${width} × ${height}; this file has the shape ${file.shape.join(' × ')}.`,
        fix: 'Give images of the size the model was trained on.',
        where: path,
      })
    }
    const x = new Uint8Array(rows * width * height)
    let at = 0
    for await (const piece of file.items()) {
      x.set(piece, at)
      at += piece.length
    }
    return { rows, x }
  })
}
