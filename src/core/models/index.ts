export { FILES, type ModelConfig, type ModelInput, modelConfig } from './config.ts'
export { type ExportOptions, exportModel } from './export.ts'
export { checkOut, isModelFolder } from './folder.ts'
export { type OpenModel, openModel, readConfig } from './open.ts'
export { type Adapted, readAdapter, writeAdapter } from './peft.ts'
export type { Prediction } from './predictions.ts'
export {
  type LocalFacts,
  type ModelReport,
  modelReport,
  type TrainingFacts,
  trainingFacts,
} from './report.ts'
export { isAdapter } from './text/adapter.ts'
export type { Message } from './text/chat.ts'
export { exportTextModel, type TextExportOptions } from './text/export.ts'
export { readTextFolder, type TextFolder } from './text/folder.ts'
export { type MergeOptions, mergeModel } from './text/merge.ts'
export {
  isTextModel,
  type OpenTextModel,
  type OpenTextOptions,
  openTextModel,
  type Prompt,
  type TextRequest,
} from './text/open.ts'
export { type TextReport, textReport } from './text/report.ts'
export { checkChat } from './text/speaker.ts'
