import { copyFileSync, writeFileSync } from 'node:fs'
import type { Compute, GradstrTasks, Input, Output } from '../../src/core/compute/index.ts'
import { applied } from '../../src/core/federation/index.ts'
import type { KeyPair } from '../../src/core/identity/index.ts'
import type { Tools } from '../../src/core/jobs/index.ts'
import { KIND, type Update, wire } from '../../src/core/market/index.ts'
import { expirationOf, type NostrEvent, tagOf } from '../../src/core/nostr/index.ts'
import { elements, f32, parameters, type Tensors, writeSafetensors } from '../../src/core/training/index.ts'
import { seconds } from '../../src/shared/units.ts'

/** Bends the tools of one party; everybody else's are as they are. */
export type Cheat = (tools: Tools) => Tools

type TrainInput = Input<GradstrTasks['train']>
export type Trained = Output<GradstrTasks['train']>
type Train = (input: TrainInput) => Promise<Trained>

/** Puts something in the place of the provider's training. */
export function onTrain(
  tools: Tools,
  change: (input: TrainInput, train: Train, signal?: AbortSignal) => Promise<Trained>,
): Tools {
  const { compute } = tools
  const run = async (...[name, input, options]: Parameters<Compute['run']>) => {
    // The task's name says what its input and options are: TypeScript cannot see it.
    if (name !== 'train') return compute.run(name, input as never, options)
    const train: Train = changed => compute.run('train', changed, options as { signal?: AbortSignal })
    return change(input as TrainInput, train, options?.signal)
  }
  return { ...tools, compute: { ...compute, run: run as Compute['run'] } } // likewise
}

/** Trains as asked, and then makes something else of the update's file. */
export const afterTraining =
  (forge: (path: string, input: TrainInput) => void | Promise<void>): Cheat =>
  tools =>
    onTrain(tools, async (input, train) => {
      const done = await train(input)
      await forge(input.update, input)
      return done
    })

/** Changes every number of the update; `rms` is that of its tensor. */
export const renumbered = (change: (x: number, rms: number) => number): Cheat =>
  afterTraining(async (path, { spec }) => {
    const zero: Tensors = new Map(
      parameters(spec).map(({ name, shape }) => [name, f32(shape, new Float32Array(elements(shape)))]),
    )
    const forged: Tensors = new Map()
    for (const [name, { shape, data }] of await applied(zero, path)) {
      const values = data as Float32Array // `applied` gives float32
      const rms = Math.sqrt(values.reduce((sum, x) => sum + x * x, 0) / values.length)
      forged.set(
        name,
        f32(
          shape,
          values.map(x => change(x, rms)),
        ),
      )
    }
    await writeSafetensors(path, forged)
  })

/** Sends a file that is no update at all. */
export const replacedBy = (bytes: () => Uint8Array): Cheat =>
  afterTraining(path => writeFileSync(path, bytes()))

/** Works until a round, and sends in that one what it made in its first. @param kept  where its first update stays */
export const sendingAgain =
  (round: number, kept: string): Cheat =>
  tools => {
    let rounds = 0
    return onTrain(tools, async (input, train) => {
      rounds++
      if (rounds < round) {
        const done = await train(input)
        if (rounds === 1) copyFileSync(input.update, kept)
        return done
      }
      const done = await train({ ...input, steps: 1 })
      copyFileSync(kept, input.update)
      return { ...done, steps: input.steps }
    })
  }

/** Sees every event before it is published: gives it, another one, or none. */
export const publishing =
  (change: (event: NostrEvent, tools: Tools) => NostrEvent | undefined): Cheat =>
  tools => ({
    ...tools,
    relays: {
      ...tools.relays,
      publish(event, urls) {
        const changed = change(event, tools)
        if (changed) tools.relays.publish(changed, urls)
      },
    },
  })

/** Says something else in its update messages than it should. */
export const claiming = (change: (update: Update) => Update): Cheat =>
  publishing((event, tools) => {
    if (event.kind !== KIND.UPDATE) return event
    const p = sessionKey(tools, event.pubkey)
    const to = tagOf(event, 'p') ?? ''
    const update = wire.update.open(event, { me: p, from: p.pubkey, to })
    return wire.update.seal(change(update), {
      from: p,
      to,
      at: seconds(event.created_at),
      expiration: seconds(expirationOf(event) ?? event.created_at + 60),
    })
  })

/** The engagement's key that signed it. */
function sessionKey({ journal, keyring }: Tools, pubkey: string): KeyPair {
  for (const { id } of journal.jobs('provider')) {
    const key = keyring.engagement(id)
    if (key.pubkey === pubkey) return key
  }
  throw new Error('this event is by no engagement of this home')
}
