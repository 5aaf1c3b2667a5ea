/**
 * Runs `work` for every item, at most `width` at a time. After the first failure nothing more is started; it is thrown
 * once what runs has ended, so that nobody touches files or servers any longer.
 */
export async function inParallel<T>(
  items: readonly T[],
  width: number,
  work: (item: T, index: number) => Promise<void>,
): Promise<void> {
  const queue = items.entries()
  const failures: unknown[] = []
  const lane = async () => {
    for (const [index, item] of queue) {
      if (failures.length > 0) return
      await work(item, index).catch(error => failures.push(error))
    }
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane))
  if (failures.length > 0) throw failures[0]
}
