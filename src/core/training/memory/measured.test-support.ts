import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { modelOf } from '../models/index.ts'
import { initialWeights } from '../parameters.ts'
import { randomData } from '../random-data.ts'
import { writeSafetensors } from '../safetensors/index.ts'
import type { TrainingSpec } from '../spec.ts'
import { elements, type Tensor } from '../tensor.ts'

export interface MeasuredJob {
  spec: TrainingSpec
  rows: number
  steps: number
  microBatch?: number
  threads?: number
}

/** Trains on random rows in a process of its own. @returns bytes that it took at its peak beyond what it had before */
export async function measuredMemory({ spec, rows, ...manner }: MeasuredJob): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'gradstr-memory-'))
  const at = (name: string) => join(folder, name)
  try {
    await writeSafetensors(at('weights'), initialWeights(spec, 1))
    await writeSafetensors(at('data'), rowsOf(spec, rows))
    const { frozen } = modelOf(spec)
    const base = new Map<string, Tensor>(
      frozen.map(({ name, shape }) => [
        name,
        { dtype: 'F16', shape, data: new Uint16Array(elements(shape)) },
      ]),
    )
    await writeSafetensors(at('base'), base)
    // What random rows do to the weights must not end the run.
    const still = { ...spec, optimizer: { ...spec.optimizer, learningRate: 1e-9 } }
    const files = { weights: at('weights'), data: at('data'), base: at('base'), out: at('out') }
    const request = { spec: still, seed: 1, ...files, ...manner }
    const script = new URL('./training-process.test-support.ts', import.meta.url).pathname
    const child = spawnSync(process.execPath, [script, JSON.stringify(request)], { encoding: 'utf8' })
    if (child.status !== 0) throw new Error(`training failed: ${child.stderr}`)
    return Number(child.stdout)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

function rowsOf(spec: TrainingSpec, rows: number): Map<string, Tensor> {
  const { x, y } = randomData(spec, rows)
  if (spec.task !== 'language')
    return new Map([
      ['x', x],
      ['y', y],
    ])
  const width = spec.model.context + 1
  const data = Int32Array.from({ length: rows * width }, (_, i) => (i * i) % spec.model.vocabulary)
  return new Map([['tokens', { dtype: 'I32', shape: [rows, width], data }]])
}
