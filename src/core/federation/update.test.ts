import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  elements,
  f32,
  floats,
  initialWeights,
  openSafetensors,
  parameterCount,
  parameters,
  readSafetensors,
  type Tensors,
  type TrainingSpec,
  writeSafetensors,
} from '../training/index.ts'
import { aggregate } from './aggregate.ts'
import { compare } from './compare.ts'
import { applied, writeDivergedUpdate, writeUpdate } from './difference.ts'
import { FedAvg } from './strategies/fedavg.ts'
import { mismatch } from './update-file.ts'

const spec: TrainingSpec = {
  recipe: 'mlp',
  model: { inputs: 5, hidden: [4], outputs: 3 },
  task: 'classification',
  input: { dtype: 'f32', scale: 1, shift: 0 },
  batch: 8,
  optimizer: { name: 'sgd', learningRate: 0.1, momentum: 0, weightDecay: 0 },
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'gradstr-update-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))
const at = (name: string) => join(folder, `${name}.safetensors`)

const filled = (value: (i: number, name: string) => number): Tensors =>
  new Map(
    parameters(spec).map(({ name, shape }) => [
      name,
      f32(
        shape,
        Float32Array.from({ length: elements(shape) }, (_, i) => value(i, name)),
      ),
    ]),
  )
const write = async (name: string, tensors: Tensors) => {
  await writeSafetensors(at(name), tensors)
  return at(name)
}
const all = (tensors: Tensors) => [...tensors.values()].flatMap(t => [...floats(t)])

describe('an update file', () => {
  it('takes θ to θ′ again, exactly in f32 and within half precision in f16', async () => {
    const theta = initialWeights(spec, 1)
    const trained = initialWeights(spec, 2)
    const paths = { from: await write('theta', theta), to: await write('trained', trained) }
    const exact = await writeUpdate(spec, { ...paths, out: at('exact') }, 'f32')
    const half = await writeUpdate(spec, { ...paths, out: at('half') })
    expect(half.size).toBe(exact.size - 2 * parameterCount(spec))

    const goal = all(trained)
    const error = (tensors: Tensors) => Math.hypot(...all(tensors).map((x, i) => x - goal[i]!))
    expect(error(await applied(theta, at('exact')))).toBeLessThan(1e-6)
    expect(error(await applied(theta, at('half')))).toBeLessThan(exact.norm! * 2 ** -10)
    expect(all(theta)).toEqual(all(initialWeights(spec, 1)))

    const norm = Math.hypot(...all(trained).map((x, i) => x - all(theta)[i]!))
    expect(exact.norm).toBeCloseTo(norm, 6)
    expect((await compare(spec, at('half'))).norm).toBeCloseTo(norm, 3)
  })

  it('stores a tensor as f32 where half precision would distort it', async () => {
    const tiny = filled((i, name) => (name === '0.weight' ? (i + 1) * 1e-8 : 0.01))
    const paths = {
      from: await write(
        'zero',
        filled(() => 0),
      ),
      to: await write('tiny', tiny),
      out: at('mixed'),
    }
    await writeUpdate(spec, paths)
    const types = Object.fromEntries(
      [...(await readSafetensors(at('mixed')))].map(([name, { dtype }]) => [name, dtype]),
    )
    expect(types).toEqual({ '0.weight': 'F32', '0.bias': 'F16', '2.weight': 'F16', '2.bias': 'F16' })
    expect(
      all(
        await applied(
          filled(() => 0),
          at('mixed'),
        ),
      )[0],
    ).toBeCloseTo(1e-8, 12)
  })

  it('says that a diverged training is not finite', async () => {
    const paths = {
      from: await write(
        'zero',
        filled(() => 0),
      ),
      to: await write(
        'nan',
        filled(i => (i ? 1 : Number.NaN)),
      ),
    }
    const { norm } = await writeUpdate(spec, { ...paths, out: at('nan-update') })
    expect(norm).toBeNull()
    await writeDivergedUpdate(spec, at('diverged'))
    for (const name of ['nan-update', 'diverged'])
      expect(await compare(spec, at(name))).toEqual({
        finite: false,
        norm: null,
        cosines: {},
        sketch: null,
      })
  })

  const broken: [string, (t: Tensors) => void, RegExp][] = [
    [
      'has another shape',
      t => t.set('0.weight', f32([5, 4], new Float32Array(20))),
      /\[5, 4\] where .* \[4, 5\]/,
    ],
    ['lacks a tensor', t => t.delete('2.bias'), /"2.bias" is missing/],
    ['has one too many', t => t.set('3.bias', f32([1], new Float32Array(1))), /"3.bias" that/],
    ['holds integers', t => t.set('0.bias', { dtype: 'I32', shape: [4], data: new Int32Array(4) }), /is I32/],
  ]
  it.each(broken)('is refused when it %s', async (name, spoil, message) => {
    const tensors = filled(() => 1)
    expect(mismatch(spec, await openAndClose(await write('sound', tensors)))).toBeNull()
    spoil(tensors)
    expect(mismatch(spec, await openAndClose(await write(name.replaceAll(' ', '-'), tensors)))).toMatch(
      message,
    )
  })
})

const openAndClose = async (path: string) => {
  const file = await openSafetensors(path)
  await file.close()
  return file
}

describe('comparing updates', () => {
  it('gives the cosine over all tensors together, and null for a zero update', async () => {
    const mine = await write(
      'mine',
      filled(i => (i === 0 ? 1 : 0)),
    )
    const peers = [
      {
        id: 'longer',
        path: await write(
          'longer',
          filled(i => (i === 0 ? 3 : 0)),
        ),
      },
      {
        id: 'opposite',
        path: await write(
          'opposite',
          filled(i => (i === 0 ? -1 : 0)),
        ),
      },
      {
        id: 'orthogonal',
        path: await write(
          'orthogonal',
          filled(i => (i === 1 ? 1 : 0)),
        ),
      },
      {
        id: 'zero',
        path: await write(
          'nothing',
          filled(() => 0),
        ),
      },
    ]
    peers.push({ id: 'itself', path: mine })
    const { norm, cosines } = await compare(spec, mine, peers)
    expect(cosines.itself).toBe(1)
    expect(norm).toBe(2) // one 1 in each of four tensors
    expect(cosines.longer).toBe(1 - 2 ** -20)
    expect(cosines.opposite).toBeCloseTo(-1, 12)
    expect(cosines).toMatchObject({ orthogonal: 0, zero: null })
  })
})

describe('FedAvg', () => {
  it('is the mean of the providers’ weights, weighted by their samples (McMahan et al. 2017)', async () => {
    const number = fc.float({ noNaN: true, min: -8, max: 8 })
    const provider = fc.record({ samples: fc.integer({ min: 1, max: 60_000 }), value: number })
    await fc.assert(
      fc.asyncProperty(
        number,
        fc.array(provider, { minLength: 1, maxLength: 5 }),
        async (start, providers) => {
          const weights = await write(
            'global',
            filled(() => start),
          )
          const contributions = []
          for (const [k, { samples, value }] of providers.entries()) {
            const to = await write(
              `client-${k}`,
              filled(() => value),
            )
            await writeUpdate(spec, { from: weights, to, out: at(`update-${k}`) }, 'f32')
            contributions.push({ path: at(`update-${k}`), weight: samples })
          }
          const { norm } = await aggregate(new FedAvg(), spec, { weights, contributions, out: at('next') })
          const total = providers.reduce((sum, p) => sum + p.samples, 0)
          const mean = providers.reduce((sum, p) => sum + (p.samples / total) * p.value, 0)
          const next = all(await readSafetensors(at('next')))
          for (const x of next) expect(x).toBeCloseTo(mean, 4)
          expect(norm).toBeCloseTo(Math.abs(mean - start) * Math.sqrt(next.length), 3)
        },
      ),
      { numRuns: 25 },
    )
  })

  it('refuses an update that is not finite, and leaves no file', async () => {
    const weights = await write(
      'global',
      filled(() => 0),
    )
    const path = await write(
      'infinite',
      filled(i => (i === 3 ? Number.POSITIVE_INFINITY : 0)),
    )
    const job = { weights, contributions: [{ path, weight: 1 }], out: at('never') }
    await expect(aggregate(new FedAvg(), spec, job)).rejects.toMatchObject({ code: 'federation/not-finite' })
    await expect(openSafetensors(at('never'))).rejects.toThrow(/ENOENT/)
  })
})
