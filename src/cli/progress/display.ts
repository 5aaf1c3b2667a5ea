import { createLogUpdate } from 'log-update'
import { harmless } from '../format.ts'
import type { Report } from '../report.ts'
import { changes } from './changes.ts'
import { progressLines } from './lines.ts'
import type { ProgressView } from './view.ts'

interface ProgressDisplay {
  show(view: ProgressView): void
  /** A line that stays, above the display. */
  note(line: string): void
  /** Draws the last view once more and leaves it standing. */
  done(): void
}

/** Milliseconds between two drawings, and between two JSON lines that say only that steps were done. */
const FRAME = 100
const TELL = 1000

/** A redrawn display on a terminal, a line for each event elsewhere; with `--json` also `progress` lines on stdout. */
export function openProgress(report: Report, now: () => number): ProgressDisplay {
  const surface = report.human.isTTY ? redrawn(report, now) : listed(report)
  let told = Number.NEGATIVE_INFINITY
  let last: ProgressView | undefined
  let untold = false
  const tell = (view: ProgressView) => {
    report.event('progress', view)
    told = now()
    untold = false
  }
  return {
    show(view) {
      surface.show(view)
      const event = changes(last, view).length > 0
      last = view
      untold = true
      if (event || now() - told >= TELL) tell(view)
    },
    note: line => surface.note(line),
    done() {
      surface.done()
      if (last && untold) tell(last)
    },
  }
}

function redrawn({ human, paint }: Report, now: () => number): ProgressDisplay {
  const update = createLogUpdate(human)
  let drawn = Number.NEGATIVE_INFINITY
  let last: ProgressView | undefined
  const draw = () => {
    if (!last) return
    update(progressLines(last, { width: Math.max(20, (human.columns ?? 80) - 1), paint }).join('\n'))
    drawn = now()
  }
  return {
    show(view) {
      last = view
      if (now() - drawn >= FRAME) draw()
    },
    note: line => update.persist(harmless(line)),
    done() {
      draw()
      update.done()
    },
  }
}

function listed({ say }: Report): ProgressDisplay {
  let last: ProgressView | undefined
  return {
    show(view) {
      const lines = changes(last, view)
      last = view
      if (lines.length > 0) say(...lines)
    },
    note: line => say(line),
    done: () => undefined,
  }
}
