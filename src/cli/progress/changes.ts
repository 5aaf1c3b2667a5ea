import { counted, printable, satsText, score } from '../format.ts'
import { inLocks, type ProgressView, type ProviderView, stateWords } from './view.ts'

/** What happened between two views, one line each: for a log file, where nothing can be redrawn. */
export function changes(before: ProgressView | undefined, after: ProgressView): string[] {
  return [
    ...closedRounds(before, after),
    ...(after.round > (before?.round ?? 0) ? [`Round ${after.round} of ${after.rounds}`] : []),
    ...phase(before, after),
    ...providers(before, after),
  ]
}

function phase(before: ProgressView | undefined, after: ProgressView): string[] {
  if (after.doing === undefined || after.doing === before?.doing) return []
  return [`${after.doing.charAt(0).toUpperCase()}${after.doing.slice(1)}`]
}

function closedRounds(before: ProgressView | undefined, after: ProgressView): string[] {
  const known = before?.losses.length ?? 0
  return after.losses.slice(known).map((loss, i) => {
    const money = `${satsText(after.sats.paid)} paid so far, ${satsText(inLocks(after.sats))} in locks`
    return `Round ${known + i + 1} of ${after.rounds} is done: loss ${score(loss)} (${money})`
  })
}

/** One provider may be there twice: hired again after it left. */
function named(providers: readonly ProviderView[]): Map<string, ProviderView> {
  const times = new Map<string, number>()
  return new Map(
    providers.map(provider => {
      const time = (times.get(provider.name) ?? 0) + 1
      times.set(provider.name, time)
      return [`${provider.name} ${time}`, provider]
    }),
  )
}

function providers(before: ProgressView | undefined, after: ProgressView): string[] {
  const known = named(before?.providers ?? [])
  return [...named(after.providers)].flatMap(([key, now]) => {
    const then = known.get(key)
    if (then?.state === now.state && then.round === now.round) return []
    const steps = now.state === 'training' && now.steps > 0 ? `, ${counted(now.steps, 'step')}` : ''
    const loss = now.state === 'delivered' && now.loss !== undefined ? `, loss ${score(now.loss)}` : ''
    return [`  ${printable(now.name)}: ${stateWords[now.state]}${steps}${loss}`]
  })
}
