import type { Tensor, Tensor4D } from '@tensorflow/tfjs-core'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { averagePool2d, conv2d, Graph, globalAveragePool, maxPool2d } from './index.ts'
import { type Case, compile, expectClose, judge, judgeSingle, tf } from './judges.test-support.ts'
import type { Size } from './ops/window.ts'

const between = (min: number, max: number) => fc.integer({ min, max })
const size = (min: number, max: number): fc.Arbitrary<Size> => fc.tuple(between(min, max), between(min, max))

const images = fc.record({ n: between(1, 2), channels: between(1, 2), image: size(3, 6) })

interface Movement {
  image: Size
  kernel: Size
  stride: Size
  padding: Size
  dilation: Size
}
const reach = ({ kernel, dilation }: Movement, i: 0 | 1) => dilation[i] * (kernel[i] - 1) + 1
const fits = (m: Movement): boolean =>
  ([0, 1] as const).every(i => m.image[i] + 2 * m.padding[i] >= reach(m, i))

const convolution = fc
  .record({
    n: between(1, 2),
    groups: between(1, 2),
    perGroup: between(1, 2),
    out: between(1, 2),
    image: size(1, 6),
    kernel: size(1, 3),
    stride: size(1, 3),
    padding: size(0, 2),
    dilation: size(1, 2),
  })
  .filter(fits)
  .map((c): Case => {
    const { n, groups, perGroup, out, image, kernel, ...window } = c
    return {
      shapes: [
        [n, groups * perGroup, ...image],
        [groups * out, perGroup, ...kernel],
      ],
      ours: (x, w) => conv2d(x!, w!, { ...window, groups }),
      peer: (x, w) => {
        const kernels = dilated(tf.transpose(w!, [2, 3, 1, 0]), c.dilation)
        const seen = framed(x!, c.padding)
        const parts = Array.from({ length: groups }, (_, i) =>
          tf.conv2d(part(seen, i, perGroup), part(kernels, i, out), [...c.stride], 'valid'),
        )
        return tf.transpose(tf.concat(parts, 3), [0, 3, 1, 2])
      },
    }
  })

/** The `i`th `size` of the last axis. TensorFlow.js cannot differentiate `split`. */
const part = (x: Tensor4D, i: number, size: number): Tensor4D =>
  tf.slice(x, [0, 0, 0, i * size], [...x.shape.slice(0, 3), size])

/** `[n, c, h, w]` → `[n, h + 2 rows, w + 2 columns, c]`: TensorFlow.js knows channels last only. */
const framed = (x: Tensor, [rows, columns]: Size, border = 0): Tensor4D =>
  tf.pad(
    tf.transpose(x, [0, 2, 3, 1]),
    [
      [0, 0],
      [rows, rows],
      [columns, columns],
      [0, 0],
    ],
    border,
  ) as Tensor4D

/** `[kh, kw, in, out]` with zeros between the points: TensorFlow.js cannot differentiate dilated convolutions. */
function dilated(w: Tensor, [rows, columns]: Size): Tensor4D {
  const [kh = 1, kw = 1, ...channels] = w.shape
  const spread = tf.pad(tf.reshape(w, [kh, 1, kw, 1, channels[0]! * channels[1]!]), [
    [0, 0],
    [0, rows - 1],
    [0, 0],
    [0, columns - 1],
    [0, 0],
  ])
  const whole: Tensor4D = tf.reshape(spread, [kh * rows, kw * columns, channels[0]!, channels[1]!])
  return tf.slice(
    whole,
    [0, 0, 0, 0],
    [kh * rows - rows + 1, kw * columns - columns + 1, channels[0]!, channels[1]!],
  )
}

const pooling = fc
  .record({ images, kernel: size(1, 3), stride: size(1, 3), padding: size(0, 1) })
  .filter(({ kernel, padding }) => padding.every((p, i) => 2 * p <= kernel[i as 0 | 1]))
const back = (y: Tensor) => tf.transpose(y, [0, 3, 1, 2])

const maxPooling = pooling.map(
  ({ images: { n, channels, image }, kernel, stride, padding }): Case => ({
    shapes: [[n, channels, ...image]],
    values: 'apart',
    ours: x => maxPool2d(x!, { kernel, stride, padding }),
    peer: x => back(tf.maxPool(framed(x!, padding, -1e9), [...kernel], [...stride], 'valid')),
  }),
)
const averagePooling = pooling.map(
  ({ images: { n, channels, image }, kernel, stride, padding }): Case => ({
    shapes: [[n, channels, ...image]],
    ours: x => averagePool2d(x!, { kernel, stride, padding }),
    peer: x => back(tf.avgPool(framed(x!, padding), [...kernel], [...stride], 'valid')),
  }),
)
const globalPooling = images.map(
  ({ n, channels, image }): Case => ({
    shapes: [[n, channels, ...image]],
    ours: x => globalAveragePool(x!),
    peer: x => tf.mean(x!, [2, 3]),
  }),
)

describe('the gradient of', () => {
  const agrees = (cases: fc.Arbitrary<Case>, farthest: number) =>
    fc.assert(
      fc.asyncProperty(cases, fc.nat(), (op, seed) => judgeSingle(op, seed, farthest)),
      { numRuns: 25 },
    )
  it('a convolution agrees with differences and TensorFlow.js for any window', () => agrees(convolution, 0.5))
  it('max pooling agrees with differences and TensorFlow.js', () => agrees(maxPooling, 1 / 64))
  it('max pooling is shared by equal maxima', async () => {
    const { run, weights, release } = await compile(
      { shapes: [[1, 1, 2, 4]], ours: x => maxPool2d(x!, { kernel: 2 }) },
      'f32',
    )
    const [a = 0, b = 0] = weights
    const { slopes } = await run([[5, 1, 7, 7, 1, 5, 7, 7]])
    await release()
    expectClose(slopes, [[a / 2, 0, b / 4, b / 4, 0, a / 2, b / 4, b / 4]], 1e-6)
  })
  it('average pooling agrees with differences and TensorFlow.js', () => agrees(averagePooling, 0.5))
  it('global average pooling agrees with differences and TensorFlow.js', () =>
    fc.assert(fc.asyncProperty(globalPooling, fc.nat(), judge), { numRuns: 5 }))
})

describe('images that do not fit', () => {
  const graph = new Graph()
  const of = (...shape: number[]) => graph.input(`x${graph.inputs.length}`, 'f32', shape)
  it.each<[string, () => unknown, RegExp]>([
    [
      'other channels',
      () => conv2d(of(1, 3, 5, 5), of(4, 2, 1, 1), { groups: 2 }),
      /\[1, 3, 5, 5\] with \[4, 2, 1, 1\] in 2 groups/,
    ],
    ['a window that is too large', () => maxPool2d(of(1, 1, 3, 3), { kernel: 4 }), /\[4, 4\].*\[3, 3\]/],
    [
      'too few axes',
      () => maxPool2d(of(3, 3), { kernel: 1 }),
      /\[n, channels, height, width\], not \[3, 3\]/,
    ],
  ])('are refused with their shapes: %s', (_, make, message) => expect(make).toThrow(message))
})
