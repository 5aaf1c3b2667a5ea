import { Graph, type Node } from '../graph/index.ts'
import { Arena, type Block } from './arena.ts'
import { type Buffer, lifetimes, type Moment } from './lifetimes.ts'
import { patternBytes } from './pattern.ts'

/** Repetitions of a loop after which nothing new happens. */
const TURNS = 3

/** Runs a graph as ONNX Runtime does, as far as memory is concerned. */
export class MemoryRun {
  readonly #arena = new Arena()
  readonly #patterns: boolean
  readonly #known = new Map<Graph, { moments: Moment[]; pattern: number }>()
  readonly #ran = new Set<Graph>()

  /** @param patterns  whether results are placed in one block from the second run on */
  constructor(patterns: boolean) {
    this.#patterns = patterns
  }

  /** Bytes that are in memory. */
  get touched(): number {
    return this.#arena.touched
  }

  free(blocks: readonly Block[]): void {
    for (const block of blocks) this.#arena.free(block)
  }

  /** @returns what the graph hands out; the caller frees it */
  run(graph: Graph): Block[] {
    const { moments, pattern } = this.#lifetimes(graph)
    const planned = this.#patterns && this.#ran.has(graph) ? this.#arena.allocate(pattern) : undefined
    this.#ran.add(graph)
    const blocks = new Map<Buffer, Block>()
    for (const { node, made, dead } of moments) {
      // A loop's results are made after its last turn.
      const body = bodyOf(node)
      const carried = body ? this.#turns(body) : []
      for (const buffer of made)
        if (!planned || buffer.output) blocks.set(buffer, this.#arena.allocate(buffer.bytes))
      this.free(carried)
      for (const buffer of dead) this.#release(blocks, buffer)
    }
    if (planned) this.#arena.free(planned)
    return [...blocks.values()]
  }

  /** A loop's body, turn after turn; each turn's results live until the next one has its own. */
  #turns(body: Graph): Block[] {
    let before: Block[] = []
    for (let turn = 0; turn < TURNS; turn++) {
      const after = this.run(body)
      this.free(before)
      before = after
    }
    return before
  }

  #release(blocks: Map<Buffer, Block>, buffer: Buffer): void {
    const block = blocks.get(buffer)
    if (block) this.#arena.free(block)
    blocks.delete(buffer)
  }

  #lifetimes(graph: Graph) {
    const known = this.#known.get(graph)
    if (known) return known
    const moments = lifetimes(graph)
    const made = { moments, pattern: patternBytes(moments) }
    this.#known.set(graph, made)
    return made
  }
}

const bodyOf = ({ attributes }: Node): Graph | undefined =>
  Object.values(attributes).find(attribute => attribute instanceof Graph)
