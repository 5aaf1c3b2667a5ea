import { createLogUpdate } from 'log-update'
import { count, score } from '../format.ts'
import type { Report } from '../report.ts'
import type { Point } from './chart.ts'
import { type Curve, curveLines } from './lines.ts'

/** What a worker tells of a run. */
interface Told {
  step: number
  steps: number
  loss: number
  secondsLeft: number
  validation?: { step: number; loss: number | null } | undefined
  fallback?: { reason: string } | undefined
}

/** Milliseconds between two drawings, and between two JSON lines that say only that steps were done. */
const FRAME = 100
const TELL = 1000

/** The live curve on a terminal, a line for each look at the holdout elsewhere; with `--json` also `progress` lines. */
export class CurveDisplay {
  readonly #report: Report
  readonly #now: () => number
  readonly #update: ReturnType<typeof createLogUpdate> | undefined
  readonly #training: Point[] = []
  readonly #holdout: Point[] = []
  #begun: { at: number; step: number } | undefined
  #drawn = Number.NEGATIVE_INFINITY
  #said = Number.NEGATIVE_INFINITY
  #reason: string | undefined
  #last: Told | undefined

  constructor(report: Report, now: () => number) {
    this.#report = report
    this.#now = now
    this.#update = report.human.isTTY ? createLogUpdate(report.human) : undefined
  }

  show(told: Told): void {
    this.#last = told
    // The first call also loads the engine: speed is counted from its end.
    this.#begun ??= { at: this.#now(), step: told.step }
    this.#training.push({ x: told.step, y: told.loss })
    const looked = this.#look(told.validation)
    if (told.fallback && told.fallback.reason !== this.#reason) {
      this.#reason = told.fallback.reason
      this.#note(this.#reason)
    }
    if (looked || this.#now() - this.#said >= TELL) this.#tell(told)
    if (this.#now() - this.#drawn >= FRAME) this.#draw()
  }

  done(): void {
    if (this.#last) this.#draw()
    this.#update?.done()
  }

  /** @returns whether the holdout was looked at since */
  #look(validation: Told['validation']): boolean {
    if (!validation || validation.step === this.#holdout.at(-1)?.x) return false
    this.#holdout.push({ x: validation.step, y: validation.loss ?? Number.NaN })
    if (this.#update) return true
    const recent = this.#training.filter(({ x }) => x <= validation.step).at(-1)
    this.#report.say(
      `step ${count(validation.step)} of ${count(this.#last?.steps ?? 0)}: loss ${score(recent?.y)}, holdout ${score(validation.loss)}`,
    )
    return true
  }

  #tell({ step, steps, loss, secondsLeft, validation }: Told): void {
    const { stepsPerSecond } = this.#curve()
    this.#report.event('progress', { step, steps, loss, secondsLeft, stepsPerSecond, validation })
    this.#said = this.#now()
  }

  #curve(): Curve {
    const { step = 0, steps = 1, secondsLeft = 0 } = this.#last ?? {}
    const { at, step: first } = this.#begun ?? { at: 0, step: 0 }
    const elapsed = (this.#now() - at) / 1000
    const stepsPerSecond = elapsed > 0 ? (step - first) / elapsed : 0
    return { steps, step, training: this.#training, holdout: this.#holdout, stepsPerSecond, secondsLeft }
  }

  #draw(): void {
    const width = Math.max(40, (this.#report.human.columns ?? 80) - 1)
    this.#update?.(curveLines(this.#curve(), width, this.#report.paint).join('\n'))
    this.#drawn = this.#now()
  }

  #note(line: string): void {
    if (this.#update) this.#update.persist(line)
    else this.#report.say(line)
  }
}
