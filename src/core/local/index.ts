export { LOCAL_MODELS, type LocalModel } from './recipe.ts'
export {
  type LocalListener,
  type LocalOrder,
  type LocalPlan,
  type LocalResult,
  trainLocally,
} from './train.ts'
