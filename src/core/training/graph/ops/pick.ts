import { withGradient } from '../custom.ts'
import type { Graph } from '../graph.ts'
import { ShapeError, show, type Value } from '../value.ts'
import { gather } from './gather.ts'
import { reshape } from './layout.ts'
import { pad } from './slice.ts'
import { reduceSum } from './sum.ts'

/** Which rows a result takes from its source. */
export interface Table {
  /** A name for the table: tables of one name and length are one constant of the graph. */
  name: string
  /** Numbers of rows; −1 stands for a row of zeros. */
  rows: readonly number[]
  /** A row of the result that nobody uses, so that its gradient is known to be zero. */
  idle?: number | undefined
}

/**
 * Rows of the last but one axis by a table that is known when the graph is built: `[…, r, c]` → `[…, table, c]`. Since
 * it is known, the gradient gathers too: each row of the source adds up the rows that took it, where `gather` would
 * scatter them one after the other.
 */
export function pick(x: Value, table: Table): Value {
  const axis = x.shape.length - 2
  const sources = Number(x.shape[axis])
  if (axis < 0 || table.rows.some(row => row < -1 || row >= sources))
    throw new ShapeError(`a table for ${show(x.shape)} names rows that are not there`)
  const source = table.rows.includes(-1) ? pad(x, { axis, before: 0, after: 1 }) : x
  const take = constant(
    x.graph,
    `take ${table.name}`,
    table.rows.map(row => (row < 0 ? sources : row)),
  )
  return withGradient(gather(source, take, { axis }), [x], dy => [give(dy, table, sources, axis)])
}

/** Adds each row of `dy` to the row of the source from which it was taken. */
function give(dy: Value, { name, rows, idle }: Table, sources: number, axis: number): Value {
  const takers = takersOf(rows, sources, idle)
  const most = Math.max(1, ...takers.map(list => list.length))
  const short = takers.some(list => list.length < most)
  // A row of zeros stands where a source was taken less often than others.
  const zero = idle ?? rows.length
  const from = short && idle === undefined ? pad(dy, { axis, before: 0, after: 1 }) : dy
  const back = Array.from({ length: most }, (_, k) => takers.map(list => list[k] ?? zero)).flat()
  const parts = gather(from, constant(dy.graph, `give ${name}`, back), { axis })
  if (most === 1) return parts
  const [front, width] = [dy.shape.slice(0, axis), dy.shape.at(-1) ?? 1]
  return reduceSum(reshape(parts, [...front, most, sources, width]), { axes: [axis] })
}

/** For every source the rows that took it. */
function takersOf(rows: readonly number[], sources: number, idle: number | undefined): number[][] {
  const takers: number[][] = Array.from({ length: sources }, () => [])
  for (const [taker, source] of rows.entries()) if (taker !== idle) takers[source]?.push(taker)
  return takers
}

const constant = (graph: Graph, name: string, rows: readonly number[]): Value =>
  graph.shared(`${name} ${rows.length}`, () => graph.constant('i32', [rows.length], rows, name))
