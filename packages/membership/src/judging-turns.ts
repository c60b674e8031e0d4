import { setImmediate } from 'node:timers/promises'
import type { StatementGraph } from './statement-graph.ts'

/** Statements looked at between two turns of the event loop: their signatures take some 2 ms. */
const STATEMENTS_PER_TURN = 16

/**
 * Paces a loop that adds statements to a graph, so that however dear a peer made them nothing else waits for more than
 * one application of the rule and a few signatures.
 *
 * @returns to be awaited before each statement
 */
export function judgingTurns(graph: Pick<StatementGraph, 'resolutions'>): () => Promise<void> {
  let resolutions = graph.resolutions
  let statements = 0
  return async () => {
    if (graph.resolutions === resolutions && ++statements < STATEMENTS_PER_TURN) return
    await setImmediate()
    resolutions = graph.resolutions
    statements = 0
  }
}
