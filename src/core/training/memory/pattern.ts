import type { Buffer, Moment } from './lifetimes.ts'

interface Place {
  at: number
  bytes: number
}

/**
 * Bytes of the one block in which ONNX Runtime places a graph's results from the second run on (`MemPatternPlanner`): each
 * in the narrowest gap between those that live then, or else at the end. What the graph hands out is not in it.
 */
export function patternBytes(moments: readonly Moment[]): number {
  const places = new Map<Buffer, Place>()
  const living: Place[] = []
  let size = 0
  for (const { made, dead } of moments) {
    for (const buffer of made.filter(({ output }) => !output)) {
      const { index, at } = narrowest(living, size, buffer.bytes)
      const place = { at, bytes: buffer.bytes }
      living.splice(index, 0, place)
      places.set(buffer, place)
      size = Math.max(size, at + buffer.bytes)
    }
    for (const buffer of dead) {
      const place = places.get(buffer)
      if (place) living.splice(living.indexOf(place), 1)
    }
  }
  return size
}

/** Where in the order of places, and at which offset. */
function narrowest(living: readonly Place[], size: number, bytes: number): { index: number; at: number } {
  let end = 0
  let best: { index: number; at: number; gap: number } | undefined
  for (const [index, place] of [...living, { at: size, bytes: 0 }].entries()) {
    const gap = place.at - end
    if (gap >= bytes && (!best || gap < best.gap)) best = { index, at: end, gap }
    end = Math.max(end, place.at + place.bytes)
  }
  return best ?? { index: living.length, at: living.reduce((most, p) => Math.max(most, p.at + p.bytes), 0) }
}
