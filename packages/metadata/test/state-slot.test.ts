import type { NodeId } from '@dittofs/interface'
import { describe, expect, it } from 'vitest'
import { packContent } from '../src/content-codec.ts'
import { nodeIdFromBytes, ROOT_ID } from '../src/node-id.ts'
import type { StateRecord } from '../src/record.ts'
import { encodeRecord } from '../src/record-codec.ts'
import { countedLeaf, stateSlot } from '../src/state-slot.ts'
import { EMPTY_VECTOR } from '../src/version-vector.ts'
import { fileOf } from './memory-space.ts'

const NODE = nodeIdFromBytes('file', new Uint8Array(12).fill(1))
const content = packContent({ kind: 'file', file: fileOf('one') })
const version = { t: 7, vector: EMPTY_VECTOR, content, size: 5 }

function slotOf(record: StateRecord, text: string | undefined, parent?: NodeId) {
  return stateSlot({ writer: 11, clock: 3, node: NODE, record, text, parent })
}

describe('what is held of a node', () => {
  const created: StateRecord = {
    type: 'state',
    node: NODE,
    placement: { t: 7, parent: ROOT_ID, name: 'a' },
    version,
  }
  const renamed: StateRecord = { ...created, placement: { t: 9, parent: ROOT_ID, name: 'b' } }
  const edited: StateRecord = { type: 'state', node: NODE, version: { ...version, vector: new Map([[22, 5]]) } }

  it.each([
    ['just made', created],
    ['renamed since', renamed],
    ['edited by another writer than its maker', edited],
  ])('gives place and content of one that was %s, the content read from its entry', (_title, record) => {
    for (const text of [encodeRecord(record), undefined]) {
      const slot = slotOf(record, text)
      expect({ writer: slot.writer, clock: slot.clock }).toEqual({ writer: 11, clock: 3 })
      const { placement, version: held } = slot
      expect(placement?.t).toBe(record.placement?.t)
      expect(placement?.name).toBe(record.placement?.name)
      expect(placement?.parent).toBe(record.placement?.parent)
      expect(held).toMatchObject({ writer: 11, t: 7, size: 5 })
      expect(held?.content).toBe(content)
      expect(held?.vector).toEqual(record.version?.vector)
    }
  })

  it('is one object for a file as it was made: place, content and what its directory counts', () => {
    const slot = slotOf(created, encodeRecord(created))
    expect(slot.placement).toBe(slot)
    expect(slot.version).toBe(slot)
    expect(countedLeaf('a', NODE, slot.version as never)).toBe(slot)
  })

  it('is counted by the name it is shown by', () => {
    const slot = slotOf(created, encodeRecord(created))
    expect(countedLeaf('shown otherwise', NODE, slot.version as never)).toMatchObject({
      name: 'shown otherwise',
      node: NODE,
    })
  })

  it('keeps the place that a moved directory left', () => {
    const directory = nodeIdFromBytes('directory', new Uint8Array(12).fill(2))
    const from = { parent: ROOT_ID, name: 'before' }
    const moved: StateRecord = { type: 'state', node: directory, placement: { t: 9, parent: ROOT_ID, name: 'd', from } }
    expect(slotOf(moved, encodeRecord(moved)).placement).toEqual({ writer: 11, t: 9, parent: ROOT_ID, name: 'd', from })
  })
})
