import { createRequire } from 'node:module'
import type { Tensor } from '@tensorflow/tfjs-core'

/** TensorFlow.js with a backend and its gradients, whichever package brought it. */
export type TensorFlow = typeof import('@tensorflow/tfjs-core')
export type { Tensor } from '@tensorflow/tfjs-core'

/** A model's parameters by name, as tensors. */
export type Weights = (name: string) => Tensor

/** Packages that bring native code, fastest first. Gradstr installs none of them: a user who has one can train with it. */
const PACKAGES = ['@tensorflow/tfjs-node-gpu', '@tensorflow/tfjs-node'] as const
export type TensorFlowPackage = (typeof PACKAGES)[number]

const require = createRequire(import.meta.url)

/** Which package is installed beside Gradstr; none usually. */
export function tensorFlowPackage(): TensorFlowPackage | undefined {
  return PACKAGES.find(name => {
    try {
      return require.resolve(name) !== ''
    } catch {
      return false
    }
  })
}

/** Loads an installed package: some hundred megabytes of libraries. */
export const loadTensorFlow = (name: TensorFlowPackage): TensorFlow => require(name) as TensorFlow // re-exports tfjs-core
