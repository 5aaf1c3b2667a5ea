export { type Choice, chooseEngine, type Probed } from './choose.ts'
export { type Card, type Engine, engines, enginesOf } from './engines.ts'
export { type SelfTest, selfTest } from './selftest.ts'
