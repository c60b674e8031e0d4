import { StatementSet } from './statement-set.ts'

/** A directed graph: for each node those that it points at, all of them keys as well. */
export type Edges = ReadonlyMap<number, StatementSet>

/**
 * Kosaraju's two searches (Sharir, "A strong-connectivity algorithm and its applications in data flow analysis", 1981).
 * As the edges are bits, a search takes 16 steps for a node, however many edges there are.
 *
 * @returns the components, each before every component it points into
 */
export function stronglyConnectedComponents(edges: Edges): number[][] {
  const finished: number[] = []
  const unseen = new StatementSet()
  for (const node of edges.keys()) unseen.add(node)
  for (const node of edges.keys()) if (unseen.has(node)) search(edges, node, unseen, (left) => finished.push(left))

  const components: number[][] = []
  const back = reversed(edges)
  for (const node of edges.keys()) unseen.add(node)
  for (const node of finished.reverse()) {
    if (!unseen.has(node)) continue
    const component: number[] = []
    search(back, node, unseen, (left) => component.push(left))
    components.push(component)
  }
  return components
}

/** Takes what can be reached from `start` out of `unseen`, and leaves each node after all those behind it. */
function search(edges: Edges, start: number, unseen: StatementSet, onLeave: (node: number) => void): void {
  const path = [start]
  unseen.delete(start)
  for (let node = path.at(-1); node !== undefined; node = path.at(-1)) {
    const next = edges.get(node)?.firstAlsoIn(unseen)
    if (next !== undefined) {
      unseen.delete(next)
      path.push(next)
    } else {
      path.pop()
      onLeave(node)
    }
  }
}

function reversed(edges: Edges): Edges {
  const back = new Map([...edges.keys()].map((node) => [node, new StatementSet()]))
  for (const [node, to] of edges) to.visit((next) => back.get(next)?.add(node))
  return back
}
