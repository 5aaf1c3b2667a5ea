import { availableParallelism } from 'node:os'

/**
 * Works on several items at the same time and gives the results in the items' order; few are held at once.
 * @param ahead  items that are worked on, or are done and not taken yet
 */
export async function* inOrder<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
  signal?: AbortSignal,
  ahead = Math.max(2, availableParallelism()),
): AsyncGenerator<{ item: T; result: R }> {
  const running: Promise<R>[] = []
  for (let next = 0, done = 0; done < items.length; done++) {
    signal?.throwIfAborted()
    while (next < items.length && running.length < ahead) {
      const result = work(items[next++]!) // below the length
      result.catch(() => undefined) // told when its turn comes
      running.push(result)
    }
    yield { item: items[done]!, result: await running.shift()! } // at least this one is running
  }
}
