import type { NodeId } from '@dittofs/interface'
import { seededRandom } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { newNodeId, ROOT_ID } from '../src/node-id.ts'
import { NodeState } from '../src/node-state.ts'
import { NodeTable } from '../src/node-table.ts'

const random = seededRandom(7)
const randomBytes = (size: number) => Uint8Array.from({ length: size }, () => Math.floor(random() * 256))

describe('a table of nodes', () => {
  it('has each node by its ID, the root as well, and no other', () => {
    const table = new NodeTable()
    const nodes = [ROOT_ID, ...Array.from({ length: 1000 }, () => newNodeId('file', randomBytes))].map(
      (id) => new NodeState(id),
    )
    for (const node of nodes) table.add(node)
    for (const node of nodes) expect(table.get(node.id)).toBe(node)
    expect(table.has(ROOT_ID)).toBe(true)
    expect(table.has('f' as NodeId)).toBe(false)
    expect(table.get(newNodeId('directory', randomBytes))).toBeUndefined()
  })
})
