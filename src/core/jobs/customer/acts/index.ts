import { WireError } from '../../../nostr/index.ts'
import type { Perform } from '../../runner.ts'
import type { Tools } from '../../tools.ts'
import type { CustomerEffect, CustomerFact } from '../log.ts'
import type { CustomerJob } from '../state.ts'
import { type Act, type Acts, actContext } from './context.ts'
import { learn } from './learn.ts'
import { pay } from './pay.ts'
import { talk } from './talk.ts'
import { vouch } from './vouch.ts'

/** Carries out what a customer's job asks for: the thin edge between the fold and the world. */
export function customerActs(
  id: string,
  tools: Tools,
  current: () => CustomerJob,
): Perform<CustomerFact, CustomerEffect> {
  const context = actContext(id, tools, current)
  const acts: Acts<CustomerEffect['type']> = {
    ...talk(context),
    ...pay(context),
    ...learn(context),
    ...vouch(context),
  }
  return async (effect, { signal }) => {
    try {
      // The effect's type picks the act of that type: TypeScript cannot see that the two go together.
      return await (acts[effect.type] as Act<CustomerEffect['type']>)(effect, signal)
    } catch (error) {
      // What breaks the wire's own bounds does so however often it is tried.
      const fact = error instanceof WireError ? unsendable(effect, error.message) : undefined
      if (fact === undefined) throw error
      return { fact }
    }
  }
}

function unsendable(effect: CustomerEffect, reason: string): CustomerFact | undefined {
  if (effect.type === 'announce') return { type: 'announcement-refused', reason }
  if (effect.type === 'award') return { type: 'award-failed', key: effect.key, reason }
  if (effect.type === 'send-round') return { type: 'lapsed', key: effect.key, round: effect.round, reason }
  return undefined
}
