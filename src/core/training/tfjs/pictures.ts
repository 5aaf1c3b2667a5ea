import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import type { Augment } from '../layers/augment.ts'
import type { TensorFlow } from './tensorflow.ts'

/**
 * Pictures of a batch as they are learned from, `[n, channels, h, w]`: framed by zeros, cut out, mirrored, one by one.
 * @param draws  `[n, 3]`: mirrored or not, rows from above, columns from the left
 */
export function augmented(tf: TensorFlow, x: Tensor, { crop = 0 }: Augment, draws: Int32Array): Tensor {
  const [n = 1, channels = 1, h = 1, w = 1] = x.shape
  const border: [number, number] = [crop, crop]
  const framed = tf.pad(x, [[0, 0], [0, 0], border, border])
  const pictures = Array.from({ length: n }, (_, i) => {
    const [mirrored, down = 0, left = 0] = draws.subarray(3 * i)
    const cut = tf.slice(framed, [i, 0, down, left], [1, channels, h, w]) as Tensor4D
    return mirrored ? tf.reverse(cut, 3) : cut
  })
  return tf.concat(pictures, 0)
}
