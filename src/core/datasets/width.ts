import type { Feature } from './encoding.ts'

/** How many inputs a feature takes. */
export function widthOf(feature: Feature): number {
  switch (feature.kind) {
    case 'numeric':
      return feature.indicator ? 2 : 1
    case 'categorical':
      return feature.values.length + 1
    case 'date':
      return 5 + (feature.time ? 2 : 0) + (feature.indicator ? 1 : 0)
  }
}
