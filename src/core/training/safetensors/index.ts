export type { Header, TensorInfo } from './header.ts'
export { openSafetensors, readHeader, readSafetensors, type SafetensorsFile } from './read.ts'
export { type TensorSource, type WrittenFile, writeSafetensors } from './write.ts'
