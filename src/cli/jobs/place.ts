import type { Call } from '../cli.ts'
import { type Home, homeExists, liveHome } from '../home.ts'
import { isEmpty, type Network, noNetwork, overlaid, rememberedNetwork } from '../network.ts'
import { openStore } from '../store.ts'

/**
 * Network flags, or a home that remembers some, mean the live network (any that the person named); without either the
 * practice network is used.
 */
export function chosenPlace(call: Call): 'live' | 'practice' {
  if (!isEmpty(call.network)) return 'live'
  return isEmpty(remembered(liveHome(call.folder))) ? 'practice' : 'live'
}

/** The network that a run in this home will use. Makes no home and remembers nothing: what is missing is told first. */
export const foreseenNetwork = (call: Call, home: Home): Network => overlaid(remembered(home), call.network)

function remembered(home: Home): Network {
  if (!homeExists(home)) return noNetwork
  const store = openStore(home)
  try {
    return rememberedNetwork(store.settings)
  } finally {
    store.db.close()
  }
}
