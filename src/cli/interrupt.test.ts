import { EventEmitter } from 'node:events'
import { describe, expect, it } from 'vitest'
import { listenForSignals, untilStopped } from './interrupt.ts'

function press() {
  const line = new EventEmitter()
  const exits: number[] = []
  let now = 0
  let hints = 0
  const interrupt = listenForSignals(line, {
    exit: code => void exits.push(code),
    now: () => now,
    hint: () => hints++,
  })
  return {
    interrupt,
    exits,
    hints: () => hints,
    at: (ms: number, signal: string) => {
      now = ms
      line.emit(signal)
    },
  }
}

describe('signals', () => {
  it('asks for an orderly stop once, however often one Ctrl-C arrives', async () => {
    const { interrupt, exits, hints, at } = press()
    const stopped = untilStopped(interrupt.signal)
    expect(interrupt.code()).toBeUndefined()
    at(1000, 'SIGINT')
    at(1010, 'SIGINT')
    at(1400, 'SIGINT')
    await stopped
    expect({ exits, code: interrupt.code(), hints: hints() }).toEqual({ exits: [], code: 130, hints: 1 })
  })

  it('ends at once when it is pressed again', () => {
    const { exits, at } = press()
    at(0, 'SIGTERM')
    at(5000, 'SIGINT')
    expect(exits).toEqual([130])
  })
})
