export { type MemoryManner, placed, RUNTIME, type TrainingMemory, trainingMemory } from './estimate.ts'
export { microBatchFor, type Room } from './parts.ts'
