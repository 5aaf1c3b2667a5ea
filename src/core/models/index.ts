export { type ModelConfig, type ModelInput, modelConfig } from './config.ts'
export { type ExportOptions, exportModel } from './export.ts'
export { checkOut } from './folder.ts'
export { type OpenModel, openModel } from './open.ts'
export { type Adapted, readAdapter, writeAdapter } from './peft.ts'
export type { Prediction } from './predictions.ts'
export {
  type ModelReport,
  modelReport,
  type TrainingFacts,
  trainingFacts,
} from './report.ts'
