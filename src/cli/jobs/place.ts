import type { Call } from '../cli.ts'
import { homeExists, liveHome } from '../home.ts'
import { isEmpty, type Network, noNetwork, rememberedNetwork } from '../network.ts'
import { openStore } from '../store.ts'

/**
 * Network flags, or a home that remembers some, mean the live network (any that the person named); without either the
 * practice network is used.
 */
export function chosenPlace(call: Call): 'live' | 'practice' {
  if (!isEmpty(call.network)) return 'live'
  return isEmpty(remembered(call)) ? 'practice' : 'live'
}

function remembered(call: Call): Network {
  const home = liveHome(call.folder)
  if (!homeExists(home)) return noNetwork
  const store = openStore(home)
  try {
    return rememberedNetwork(store.settings)
  } finally {
    store.db.close()
  }
}
