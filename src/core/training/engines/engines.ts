import { cpus, totalmem } from 'node:os'
import { graphics } from 'systeminformation'
import { type Bytes, bytes } from '../../../shared/units.ts'
import { type EngineName, PROVIDERS } from '../engine.ts'
import { ort } from '../onnxruntime.ts'
import { tensorFlowPackage } from '../tfjs/tensorflow.ts'

/** A way to compute that may work on this machine; `selfTest` shows whether it does. */
export interface Engine {
  name: EngineName
  /** What it runs on, in the maker's words. */
  device: string
  /** Of that device, where the system tells. */
  memory: Bytes | null
}

/** What a graphics card is called and has, as `systeminformation` says. */
export interface Card {
  vendor: string
  model: string
  /** MiB; null when unknown. */
  vram: number | null
}

/** The engines that this build can try here. Takes a second: the system is asked for its graphics cards. */
export async function engines(): Promise<Engine[]> {
  const listed = ort.listSupportedBackends().map(({ name }) => name)
  const { controllers } = await graphics()
  const providers = PROVIDERS.filter(name => listed.includes(name))
  const installed = tensorFlowPackage()
  const found = enginesOf(providers, controllers)
  if (!installed) return found
  const [like] = enginesOf([installed.endsWith('gpu') ? 'cuda' : 'cpu'], controllers)
  return like ? [...found, { ...like, name: 'tfjs' }] : found
}

/** Which engine runs on which device. A card is a guess where several would do: the drivers choose, and do not tell. */
export function enginesOf(names: readonly EngineName[], cards: readonly Card[]): Engine[] {
  const largest = (fits: readonly Card[]) => fits.toSorted((a, b) => (b.vram ?? 0) - (a.vram ?? 0))[0]
  const processor = { device: cpus()[0]?.model.trim() || 'processor', memory: bytes(totalmem()) }
  return names.map(name => {
    if (name === 'cpu') return { name, ...processor }
    const fits =
      name === 'cuda' ? cards.filter(({ vendor, model }) => /nvidia/i.test(`${vendor} ${model}`)) : cards
    const card = largest(fits)
    const memory = card?.vram ? bytes(card.vram * 1024 * 1024) : null
    return { name, device: card?.model.trim() || 'graphics card', memory }
  })
}
