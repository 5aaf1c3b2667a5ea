/** A run of an arena's memory. */
export interface Block {
  region: Region
  /** Offset in the region, and length; what was asked for may be shorter. Bytes. */
  at: number
  size: number
  free: boolean
}

interface Region {
  /** In the order of their places, without gaps. */
  blocks: Block[]
  /** One for each page: whether anything was ever written there. */
  touched: Uint8Array
}

const SMALLEST = 256
const FIRST_REGION = 2 ** 20
const LARGEST_REGION = 2 ** 30
/** How much a block may be too long before it is cut although it is less than twice as long. */
const WASTE = 2 ** 27
/** Of our bookkeeping, coarser than the system's. */
const PAGE = 2 ** 14

/**
 * ONNX Runtime's arena (`bfc_arena.cc`: best fit with coalescing): regions from the system, each twice as large as the one
 * before, whose blocks are cut only where half would be wasted. It never gives memory back, but only pages that were
 * written to are in memory.
 */
export class Arena {
  readonly #regions: Region[] = []
  #next = FIRST_REGION

  allocate(bytes: number): Block {
    const size = SMALLEST * Math.max(1, Math.ceil(bytes / SMALLEST))
    const block = this.#smallest(size) ?? this.#extended(size)
    const { region, at } = block
    if (block.size >= 2 * size || block.size - size >= WASTE) {
      const rest = { region, at: at + size, size: block.size - size, free: true }
      region.blocks.splice(region.blocks.indexOf(block) + 1, 0, rest)
      block.size = size
    }
    block.free = false
    region.touched.fill(1, Math.floor(at / PAGE), Math.ceil((at + bytes) / PAGE))
    return block
  }

  free(block: Block): void {
    const { blocks } = block.region
    block.free = true
    const i = blocks.indexOf(block)
    const [before, after] = [blocks[i - 1], blocks[i + 1]]
    if (after?.free) join(blocks, block, after)
    if (before?.free) join(blocks, before, block)
  }

  /** Bytes that are in memory. */
  get touched(): number {
    const pages = this.#regions.map(({ touched }) => touched.reduce((sum, page) => sum + page, 0))
    return PAGE * pages.reduce((sum, n) => sum + n, 0)
  }

  /** The smallest free block of at least this size. */
  #smallest(size: number): Block | undefined {
    let found: Block | undefined
    for (const { blocks } of this.#regions)
      for (const block of blocks)
        if (block.free && block.size >= size && (!found || block.size < found.size)) found = block
    return found
  }

  #extended(size: number): Block {
    const enough = this.#next >= size
    while (this.#next < size) this.#next *= 2
    const region: Region = { blocks: [], touched: new Uint8Array(Math.ceil(this.#next / PAGE)) }
    const block = { region, at: 0, size: this.#next, free: true }
    region.blocks.push(block)
    this.#regions.push(region)
    if (enough) this.#next = Math.min(2 * this.#next, LARGEST_REGION)
    return block
  }
}

function join(blocks: Block[], left: Block, right: Block): void {
  left.size += right.size
  blocks.splice(blocks.indexOf(right), 1)
}
