/**
 * Tarjan, "Depth-first search and linear graph algorithms", 1972.
 *
 * @param edges - for each node the nodes it points at
 * @returns the components, each before every component it points into
 */
export function stronglyConnectedComponents(edges: readonly (readonly number[])[]): number[][] {
  const order = new Int32Array(edges.length).fill(-1)
  const low = new Int32Array(edges.length)
  const isOpen = new Uint8Array(edges.length)
  const open: number[] = []
  const components: number[][] = []
  let visited = 0

  // Recursion is as deep as there are nodes: at most MAX_STATEMENTS.
  const visit = (node: number): void => {
    order[node] = low[node] = visited++
    open.push(node)
    isOpen[node] = 1
    for (const next of edges[node] ?? []) {
      if (order[next] === -1) {
        visit(next)
        low[node] = Math.min(low[node] ?? 0, low[next] ?? 0)
      } else if (isOpen[next] === 1) {
        low[node] = Math.min(low[node] ?? 0, order[next] ?? 0)
      }
    }
    if (low[node] !== order[node]) return
    const component = open.splice(open.lastIndexOf(node))
    for (const member of component) isOpen[member] = 0
    components.push(component)
  }

  for (let node = 0; node < edges.length; node++) if (order[node] === -1) visit(node)
  return components.reverse()
}
