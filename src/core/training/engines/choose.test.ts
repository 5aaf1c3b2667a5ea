import { describe, expect, it } from 'vitest'
import { chooseEngine, type Probed } from './choose.ts'

const fine = { passed: true, error: 0.1, worst: 'mlp' }
const cpu: Probed = { name: 'cpu', test: fine, flopsPerSecond: 100e9, failure: null }
const webgpu: Probed = { name: 'webgpu', test: fine, flopsPerSecond: 800e9, failure: null }

describe('the choice of an engine', () => {
  it('falls on the fastest that computes right, and says by how much', () => {
    const { chosen, reasons } = chooseEngine([cpu, webgpu])
    expect(chosen).toBe('webgpu')
    expect(reasons.get('webgpu')).toMatch(/^used, because it is the fastest.*8 × as fast as CPU$/)
    expect(reasons.get('cpu')).toBe('not used, because WebGPU is 8 × as fast')
    const slow = { ...webgpu, flopsPerSecond: 0.337e9 }
    expect(chooseEngine([cpu, slow]).reasons.get('webgpu')).toBe('not used, because CPU is 300 × as fast')
  })

  it('never falls on one that computes wrong, however fast', () => {
    const wrong = { ...webgpu, test: { passed: false, error: 30, worst: 'cnn' } }
    const { chosen, reasons } = chooseEngine([cpu, wrong])
    expect(chosen).toBe('cpu')
    expect(reasons.get('cpu')).toMatch(/only one here that computes right/)
    expect(reasons.get('webgpu')).toBe(
      'not used, because it computes wrong: in the model "cnn", gradients are off by 30 × what is tolerated',
    )
    const noNumbers = { ...webgpu, test: { passed: false, error: null, worst: 'gpt' } }
    expect(chooseEngine([noNumbers]).chosen).toBeNull()
    expect(chooseEngine([noNumbers]).reasons.get('webgpu')).toMatch(/no numbers/)
  })

  it.each([
    [
      'webgpu',
      '/onnxruntime_src/onnxruntime/core/providers/webgpu/webgpu_context.cc:136 adapter_result.status == wgpu::RequestAdapterStatus::Success was false. F',
      'no graphics card that WebGPU can use was found',
    ],
    [
      'cuda',
      'OrtSessionOptionsAppendExecutionProvider_Cuda: Failed to load shared library',
      'the libraries of CUDA and cuDNN were not found',
    ],
  ] as const)('says in plain words what %s lacks', (name, failure, words) => {
    const absent: Probed = { name, test: null, flopsPerSecond: null, failure }
    expect(chooseEngine([absent, cpu]).reasons.get(name)).toBe(
      `not used, because it does not run here: ${words}`,
    )
  })

  it('passes over one that does not run, in its own words', () => {
    const absent: Probed = { name: 'cuda', test: null, flopsPerSecond: null, failure: 'no libcuda.so' }
    const { chosen, reasons } = chooseEngine([absent, cpu])
    expect(chosen).toBe('cpu')
    expect(reasons.get('cuda')).toBe('not used, because it does not run here: no libcuda.so')
  })
})
