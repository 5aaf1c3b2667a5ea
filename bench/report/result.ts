/** What a benchmark found. Names of figures end in their unit where they have one: `_ms`, `_mb`, `_s`. */
export interface BenchResult {
  bench: string
  /** One for each thing that was measured; its `engine` is `ours` or the peer's name. */
  rows: readonly Row[]
  /** The figure that the goal is about; null when there was no peer to compare with or nothing was reached. */
  ratio: number | null
  /** What holds for all rows: settings, the goal. */
  [setting: string]: unknown
}

export interface Row {
  model?: string
  batch?: number
  engine?: string
  ms_per_step?: number
  peak_rss_mb?: number
  [figure: string]: unknown
}

/** Ends a benchmark's output with its result as one line of JSON. Numbers that are not finite become null. */
export function writeResult(
  result: BenchResult,
  out: { write(text: string): unknown } = process.stdout,
): void {
  out.write(`${JSON.stringify(result)}\n`)
}
