export { augmentedSpec } from './augment.ts'
export type { LocalOrder } from './order.ts'
export { LOCAL_MODELS, type LocalModel, modelsFor, textModel } from './recipe.ts'
export {
  type LocalListener,
  type LocalPlan,
  type LocalResult,
  trainLocally,
} from './train.ts'
