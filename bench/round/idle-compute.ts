import { linkSync, mkdirSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Compute } from '../../src/core/compute/index.ts'
import type { Figures } from '../../src/core/federation/index.ts'

const gain = { before: 1, after: 0.5, gain: 0.5, error: 0.001, rows: 100 }

/**
 * A compute client that computes nothing: the updates it hands out were made beforehand, every measurement is good. What
 * is left of a round is everything that is not compute.
 */
export function idleCompute(files: { update: string; weights: string }): Compute {
  const put = (from: string, to: string): void => {
    mkdirSync(dirname(to), { recursive: true })
    rmSync(to, { force: true })
    // What compute writes is its own affair; nobody writes to it afterwards.
    linkSync(from, to)
  }
  const answers: Record<string, (input: Record<string, unknown>) => unknown> = {
    train: ({ update, steps }) => {
      put(files.update, String(update))
      return { steps, losses: [1, 0.5], checkpoints: [], seconds: 0, update: {}, diverged: null }
    },
    measure: ({ steps, peers }): Figures => ({
      steps: Number(steps),
      problem: null,
      finite: true,
      norm: 1,
      own: gain,
      other: gain,
      holdout: gain,
      // Alike as honest updates are, and not the same.
      cosines: Object.fromEntries((peers as { id: string }[]).map(({ id }) => [id, 0.4])),
      sketch: null,
    }),
    reference: ({ steps }) => ({
      steps: Number(steps) / 2,
      curve: [{ steps: Number(steps) / 2, gain, along: 1 }],
      norm: 0.6,
      holdout: gain,
      along: 1.2,
      others: null,
      keeps: null,
      diverged: false,
    }),
    aggregate: ({ out }) => {
      put(files.weights, String(out))
      return {}
    },
    evaluate: () => ({ metric: 'accuracy', value: 0.9, loss: 0.1 }),
    export: () => ({ report: {} }),
  }
  return {
    // The answers' shapes are those of the tasks; the table's types cannot be spelled out one by one here.
    run: (async (name: string, input: object) => {
      const answer = answers[name]
      if (!answer) throw new Error(`the benchmark has no answer for "${name}"`)
      return answer({ ...input })
    }) as Compute['run'],
    close: async () => {},
    pids: () => [],
  }
}
