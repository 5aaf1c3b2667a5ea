export { fitsOneFile, languageModelFile } from './export.ts'
export { type GenerateRequest, generate } from './generate.ts'
export { Reader, type ReaderOptions } from './reader.ts'
export { type SamplingOptions, samplingOptions } from './sampling.ts'
