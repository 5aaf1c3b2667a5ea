export { type Figures, figures, type Gain, gain, type Reference, reference } from './figures.ts'
export type { Case, UseJudgement, WorkJudgement } from './judge.ts'
export { median, quorumAt } from './quorum.ts'
