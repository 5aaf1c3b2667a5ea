/** What was opened, closed in the opposite order, each part even when another one fails to close. */
export function closing() {
  const steps: (() => void | Promise<void>)[] = []
  return {
    opened<T>(part: T, close: (part: T) => void | Promise<void>): T {
      steps.push(() => close(part))
      return part
    },
    async close(): Promise<void> {
      const failures: unknown[] = []
      for (const step of steps.splice(0).reverse())
        try {
          await step()
        } catch (error) {
          failures.push(error)
        }
      if (failures.length > 0) throw failures[0]
    },
  }
}
