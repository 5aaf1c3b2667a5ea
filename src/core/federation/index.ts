export { type Figures, figures, type Gain, gain, type Reference, reference } from './figures.ts'
export type { Case, Judgement, PaymentRule } from './judge.ts'
