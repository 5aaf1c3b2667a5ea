import { type Graph, liveNodes, type Node, needs } from '../graph/index.ts'

/**
 * The nodes in the order in which ONNX Runtime runs them one after the other (`GraphViewer`): depth first from the nodes
 * whose results no other needs, the last of them first, and so with what each needs.
 */
export function executionOrder(graph: Graph): Node[] {
  const nodes = liveNodes(graph)
  const place = new Map(nodes.map((node, i) => [node, i]))
  const before = new Map(nodes.map(node => [node, sources(node, place)]))
  const needed = new Set([...before.values()].flat())
  const order: Node[] = []
  const seen = new Set<Node>()
  const stack = nodes.filter(node => !needed.has(node)).map(node => ({ node, done: false }))
  for (let at = stack.pop(); at; at = stack.pop()) {
    const { node, done } = at
    if (done) order.push(node)
    if (done || seen.has(node)) continue
    seen.add(node)
    stack.push({ node, done: true }, ...before.get(node)!.map(source => ({ node: source, done: false })))
  }
  return order
}

/** The nodes of the same graph that a node needs, in the order of their making. */
function sources(node: Node, place: ReadonlyMap<Node, number>): Node[] {
  const made = new Set(
    needs(node).flatMap(({ producer }) => (producer && place.has(producer) ? [producer] : [])),
  )
  return [...made].sort((a, b) => place.get(a)! - place.get(b)!)
}
