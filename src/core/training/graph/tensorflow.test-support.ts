import { existsSync } from 'node:fs'
import { createRequire, registerHooks } from 'node:module'
import { fileURLToPath } from 'node:url'

/** TensorFlow.js, the independent implementation that tests compare gradients with. */
export type TensorFlow = typeof import('@tensorflow/tfjs-core')

/**
 * Loads TensorFlow.js with its CPU backend and its gradients. Gradients exist only as ES modules that leave out file
 * endings for a bundler to add, so a hook adds them; TensorFlow's registry is global, so the main build finds them.
 */
export function loadTensorFlow(): TensorFlow {
  const require = createRequire(import.meta.url)
  const tf: TensorFlow = require('@tensorflow/tfjs-core')
  require('@tensorflow/tfjs-backend-cpu')
  const hooks = registerHooks({
    resolve(specifier, context, next) {
      if (!specifier.startsWith('.') || !context.parentURL?.includes('tfjs-core/dist'))
        return next(specifier, context)
      const url = new URL(specifier, context.parentURL).href
      const ended = [`${url}.js`, `${url}/index.js`].find(u => existsSync(fileURLToPath(u)))
      return next(ended ?? specifier, context)
    },
  })
  try {
    require('@tensorflow/tfjs-core/dist/register_all_gradients.js')
    return tf
  } finally {
    hooks.deregister()
  }
}
