import { UserError } from '../../../shared/errors.ts'
import type { ImageEncoding } from '../encoding.ts'
import { withIdx } from './dataset.ts'

const MOST_BYTES = 1024 * 1024 * 1024

/**
 * Images of one IDX file (…-images-idx3-ubyte, also .gz) as a model's raw inputs.
 * @returns `x` u8 [rows, height·width]
 * @throws UserError `dataset/idx`, `dataset/idx-mismatch`
 */
export function readImages(
  path: string,
  { width, height }: ImageEncoding,
): Promise<{ rows: number; x: Uint8Array }> {
  return withIdx(path, async file => {
    const [rows = 0, ...size] = file.shape
    if (size[0] !== height || size[1] !== width || rows * width * height > MOST_BYTES) {
      throw new UserError('dataset/idx-mismatch', {
        message: `The model takes images of ${width} × ${height}; this file has the shape ${file.shape.join(' × ')}.`,
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
