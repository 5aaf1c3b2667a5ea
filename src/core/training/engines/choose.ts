import { type EngineName, TITLES } from '../engine.ts'

/** A self-test's result; no error where it is not a number. */
interface Verdict {
  passed: boolean
  error: number | null
  worst: string
}

/** What was found out about an engine: its self-test and its speed, or why it gave none. */
export interface Probed {
  name: EngineName
  test: Verdict | null
  flopsPerSecond: number | null
  /** Why it could not be tested or measured. */
  failure: string | null
}

export interface Choice {
  /** Null when no engine computes right. */
  chosen: EngineName | null
  /** For every engine, why it is used or not. */
  reasons: Map<EngineName, string>
}

/** The fastest engine that passed its test, and why. */
export function chooseEngine(probed: readonly Probed[]): Choice {
  const right = probed.filter(({ test, flopsPerSecond }) => test?.passed && flopsPerSecond !== null)
  const [best, second] = right.toSorted((a, b) => (b.flopsPerSecond ?? 0) - (a.flopsPerSecond ?? 0))
  return {
    chosen: best?.name ?? null,
    reasons: new Map(probed.map(one => [one.name, one === best ? whyUsed(best, second) : whyNot(one, best)])),
  }
}

function whyUsed(best: Probed, second: Probed | undefined): string {
  return second
    ? `used, because it is the fastest that computes right: ${factor(best, second)} × as fast as ${TITLES[second.name]}`
    : 'used, because it is the only one here that computes right'
}

function whyNot({ test, flopsPerSecond, failure, ...one }: Probed, best: Probed | undefined): string {
  if (failure !== null) return `not used, because it does not run here: ${inPlainWords(failure)}`
  if (test && !test.passed)
    return `not used, because it computes wrong: in the model "${test.worst}", ${errorText(test)}`
  if (!test || !best) return 'not used, because it was not measured'
  return `not used, because ${TITLES[best.name]} is ${factor(best, { ...one, test, failure, flopsPerSecond })} × as fast`
}

/** What ONNX Runtime says, by its source's lines, where a machine lacks what an engine needs. */
const lacks: readonly [RegExp, string][] = [
  [/adapter_result|RequestAdapter/, 'no graphics card that WebGPU can use was found'],
  [/_Cuda: Failed to load shared library/, 'the libraries of CUDA and cuDNN were not found'],
]

const inPlainWords = (failure: string): string => lacks.find(([said]) => said.test(failure))?.[1] ?? failure

const errorText = ({ error }: Verdict): string =>
  error === null
    ? 'gradients are no numbers'
    : `gradients are off by ${error.toLocaleString('en-US', { maximumSignificantDigits: 2 })} × what is tolerated`

const factor = (fast: Probed, slow: Probed): string =>
  ((fast.flopsPerSecond ?? 0) / (slow.flopsPerSecond ?? 1)).toLocaleString('en-US', {
    maximumSignificantDigits: 2,
  })
