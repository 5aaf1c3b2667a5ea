import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import sharp from 'sharp'
import { describe, expect, it } from 'vitest'
import { readSafetensors } from '../../training/index.ts'
import { inspectRows, testFolder } from '../folder.test-support.ts'
import { inspect, type PreparedRows, readEncoding } from '../index.ts'
import { type Entry, zipOf } from './zip.test-support.ts'

const folder = testFolder()

type Colour = [number, number, number]
const image = (background: Colour, width = 20, height = width) =>
  sharp({
    create: {
      width,
      height,
      channels: 3,
      background: { r: background[0], g: background[1], b: background[2] },
    },
  })

function put(files: Record<string, Uint8Array>): string {
  const root = folder.path('set')
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true })
    writeFileSync(join(root, name), content)
  }
  return root
}

/** Different grey values: cats dark, dogs light. */
async function pets(count = 20): Promise<Record<string, Uint8Array>> {
  const files: Record<string, Uint8Array> = {}
  for (let i = 0; i < count; i++) {
    files[`cat/${i}.png`] = await image([i, i, i]).png().toBuffer()
    files[`dog/${i}.png`] = await image([200 + i, 200 + i, 200 + i])
      .png()
      .toBuffer()
  }
  return files
}

const zipped = (files: Record<string, Uint8Array>, more: Entry[] = []) =>
  folder.write(
    'set.zip',
    zipOf([...Object.entries(files).map(([name, content]) => ({ name, content })), ...more]),
  )

async function rows({ holdout, shards }: PreparedRows) {
  const parts = await Promise.all(
    [holdout, ...shards.map(({ path }) => path)].map(path => readSafetensors(path)),
  )
  return parts.flatMap((tensors, part) => {
    const [x, y] = [tensors.get('x')!, tensors.get('y')!]
    const size = x.data.length / y.data.length
    return Array.from(y.data, Number).map((label, i) => ({
      part,
      label,
      shape: x.shape.slice(1),
      pixels: Array.from(x.data.subarray(i * size, (i + 1) * size), Number),
    }))
  })
}

describe('images in class folders', () => {
  it('become bytes, a channel for grey ones, a part of every class kept back', async () => {
    const prepared = await folder.prepare(put(await pets()))
    expect(prepared).toMatchObject({
      task: 'classification',
      classes: ['cat', 'dog'],
      inputs: 400,
      outputs: 2,
      image: { width: 20, height: 20, channels: 1 },
      input: { dtype: 'u8', scale: 1 / 255 },
      rows: 40,
      holdoutRows: 6,
    })
    const all = await rows(prepared)
    expect(all.every(({ shape }) => shape.join() === '1,20,20')).toBe(true)
    expect(
      all.every(({ pixels, label }) =>
        pixels.every(value => value === pixels[0] && value >= 200 === (label === 1)),
      ),
    ).toBe(true)
    expect(new Set(all.map(({ pixels }) => pixels[0])).size).toBe(40)
    expect(all.filter(({ part, label }) => part === 0 && label === 0).length).toBe(3)
    expect(await readEncoding(prepared.encoding)).toMatchObject({ kind: 'idx', width: 20, height: 20 })
  })

  it('in a zip archive give the same, also inside a folder of its own', async () => {
    const files = await pets(6)
    const unpacked = await folder.prepare(put(files))
    const inside = Object.fromEntries(
      Object.entries(files).map(([name, content]) => [`pets/${name}`, content]),
    )
    const hidden = { name: '__MACOSX/pets/cat/._0.png', content: new Uint8Array(9) }
    const packed = await folder.prepare(zipped(inside, [hidden]), { out: folder.path('packed') })
    expect(packed.shards.map(({ sha256 }) => sha256)).toEqual(unpacked.shards.map(({ sha256 }) => sha256))
    expect(packed.classes).toEqual(['cat', 'dog'])
  })

  it('keep their colours, plane by plane, in PNG, JPEG and WebP; transparent parts are white', async () => {
    const red: Colour = [250, 10, 20]
    const clear = { r: 0, g: 0, b: 0, alpha: 0 }
    const files: Record<string, Uint8Array> = {
      'red/a.png': await image(red).png().toBuffer(),
      'red/b.jpg': await image(red, 21).jpeg({ quality: 100 }).toBuffer(),
      'red/c.webp': await image(red, 22).webp({ lossless: true }).toBuffer(),
      'white/d.png': await sharp({ create: { width: 20, height: 20, channels: 4, background: clear } })
        .png()
        .toBuffer(),
      'white/e.png': await image([255, 255, 255], 30).png().toBuffer(),
      'white/f.png': await image([255, 254, 255], 31).png().toBuffer(),
    }
    const prepared = await folder.prepare(put(files), { images: { size: 8 }, holdout: 0.2, shards: 1 })
    expect(prepared).toMatchObject({ inputs: 192, image: { width: 8, height: 8, channels: 3 } })
    const all = await rows(prepared)
    expect(all.length).toBe(6)
    for (const { label, pixels, shape } of all) {
      expect(shape).toEqual([3, 8, 8])
      const expected = label === 0 ? red : [255, 255, 255]
      for (const [c, value] of expected.entries())
        for (const pixel of pixels.slice(c * 64, (c + 1) * 64))
          expect(Math.abs(pixel - value)).toBeLessThan(6)
    }
    expect(await readEncoding(prepared.encoding)).toMatchObject({ kind: 'images', channels: 3 })
  })

  it('are cut to their middle, and turned as the camera says', async () => {
    const half = (left: number) =>
      sharp(
        Buffer.concat(
          Array.from({ length: 10 }, () => Buffer.from([...Array(10).fill(left), ...Array(10).fill(0)])),
        ),
        {
          raw: { width: 20, height: 10, channels: 1 },
        },
      )
    const files: Record<string, Uint8Array> = {}
    for (let i = 0; i < 4; i++) {
      // Orientation 6: the left side is the top.
      files[`turned/${i}.png`] = await half(200 + i)
        .withMetadata({ orientation: 6 })
        .png()
        .toBuffer()
      files[`other/${i}.png`] = await image([i, i, i]).png().toBuffer()
    }
    const all = await rows(await folder.prepare(put(files), { images: { size: 8 } }))
    for (const { pixels } of all.filter(({ label }) => label === 1)) {
      expect(pixels.slice(0, 8).every(value => value > 190)).toBe(true)
      expect(pixels.slice(-8).every(value => value < 10)).toBe(true)
    }
  })

  it.each([
    [28, [20, 24]],
    [32, [30, 40]],
    [64, [300, 200]],
  ])('are proposed at a usual size (%i, for sides of about %j)', async (expected, sides) => {
    const files: Record<string, Uint8Array> = {}
    for (const [i, side] of sides.entries())
      for (const name of ['a', 'b'])
        files[`${name}/${i}.png`] = await image([i, i, name.length], side + (name === 'a' ? 8 : 0), side + 2)
          .png()
          .toBuffer()
    const found = await inspectRows(put(files))
    expect(found.images).toMatchObject({ width: expected, height: expected })
  })
})

describe('inspecting images', () => {
  it('names those that cannot be read, copies, and classes out of balance', async () => {
    const files = await pets(12)
    const cut = files['cat/0.png']!.slice(0, 60)
    const more = {
      'cat/cut.png': cut,
      'cat/text.jpg': Buffer.from('no image'),
      'bird/1.png': await image([9, 0, 99]).png().toBuffer(),
    }
    const copies = { 'cat/copy.png': files['cat/5.png']!, 'dog/wrong.png': files['cat/6.png']! }
    const found = await inspectRows(put({ ...files, ...more, ...copies }))
    expect(found).toMatchObject({
      format: 'images',
      rows: 25,
      classes: [
        { name: 'cat', rows: 12 },
        { name: 'dog', rows: 12 },
        { name: 'bird', rows: 1 },
      ],
      images: { width: 20, height: 20, channels: 3 },
    })
    const said = Object.fromEntries(found.problems.map(({ code, message }) => [code, message]))
    expect(said['dataset/images-unreadable']).toMatch(/left out, 2: .*"cat\/cut\.png".*"cat\/text\.jpg"/)
    expect(said['dataset/images-copies']).toMatch(/^2 images are copies.*another class than the first: 1/)
    expect(said['dataset/classes-unequal']).toMatch(/"bird" has 1/)
  })

  it('takes a folder of texts with some pictures for texts', async () => {
    const files = { 'a.md': Buffer.from('# A text'), 'figures/a.png': (await pets(1))['cat/0.png']! }
    expect(await inspect(put(files))).toMatchObject({ format: 'text' })
  })

  it('has nothing to say of sound ones', async () => {
    expect((await inspectRows(put(await pets()))).problems).toEqual([])
  })
})

describe('what is no set of images is refused:', () => {
  const png = readFileSync(new URL('../../../../package.json', import.meta.url)) // the reader looks at no content
  it.each<[string, Entry[], string]>([
    ['an archive without images', [{ name: 'a.csv', content: png }], 'dataset/not-a-dataset'],
    ['images without folders', [{ name: 'a.png', content: png }], 'dataset/not-a-dataset'],
    ['a workbook', [{ name: '[Content_Types].xml', content: png }], 'dataset/spreadsheet'],
    [
      'parts instead of classes',
      ['train/a/b.png', 'test/a/b.png'].map(name => ({ name, content: png })),
      'dataset/images-parts',
    ],
    ['names that lead out', [{ name: '../a/b.png', content: png }], 'dataset/zip-damaged'],
    ['names from the root', [{ name: '/a/b.png', content: png }], 'dataset/zip-damaged'],
    ['a bomb', [{ name: 'a/b.png', content: new Uint8Array(2 ** 21) }], 'dataset/zip-bomb'],
    ['a claim of 4 GB', [{ name: 'a/b.png', content: png, claimed: 2 ** 32 - 2 }], 'dataset/zip-bomb'],
  ])('%s', async (_, entries, code) => {
    await expect(inspect(folder.write('a.zip', zipOf(entries)))).rejects.toMatchObject({
      code,
      fix: expect.stringMatching(/\.$/),
    })
  })

  it('an archive that was cut off', async () => {
    const whole = zipOf([{ name: 'a/b.png', content: png }])
    await expect(inspect(folder.write('a.zip', whole.subarray(0, 80)))).rejects.toMatchObject({
      code: 'dataset/zip-damaged',
    })
  })

  it('an image that is larger than it says is left out, as a damaged one', async () => {
    const files = await pets(3)
    const liar = { name: 'cat/liar.png', content: files['cat/0.png']!, claimed: 20 }
    const { problems, rows } = await inspectRows(zipped(files, [liar]))
    expect(rows).toBe(6)
    expect(problems[0]?.message).toMatch(/liar\.png/)
  })

  it('one class, another task, and sizes that no image has, and nothing is left', async () => {
    const files = await pets(3)
    const one = put(Object.fromEntries(Object.entries(files).filter(([name]) => name.startsWith('cat'))))
    await expect(folder.prepare(one)).rejects.toMatchObject({ code: 'dataset/single-class' })
    const both = put(files)
    await expect(folder.prepare(both, { task: 'regression' })).rejects.toMatchObject({
      code: 'dataset/images-task',
    })
    await expect(folder.prepare(both, { images: { size: 4 } })).rejects.toMatchObject({
      code: 'dataset/image-size',
    })
    expect(folder.files()).toEqual(['set'])
  })
})
