export { type ModelConfig, type ModelInput, modelConfig } from './config.ts'
export { type ExportOptions, exportModel } from './export.ts'
export { checkOut } from './folder.ts'
export { type OpenModel, openModel } from './open.ts'
export { type Adapted, readAdapter, writeAdapter } from './peft.ts'
export type { Prediction } from './predictions.ts'
export {
  type LocalFacts,
  type ModelReport,
  modelReport,
  type TrainingFacts,
  trainingFacts,
} from './report.ts'
export { canChat, type Message, noChat } from './text/chat.ts'
export { exportTextModel, type TextExportOptions } from './text/export.ts'
export { isTextModel, type OpenTextModel, openTextModel, type Prompt, type TextRequest } from './text/open.ts'
export type { TextReport } from './text/report.ts'
