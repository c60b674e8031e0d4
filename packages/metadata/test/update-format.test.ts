import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { isPageBreak, type LogRun, logName } from '../src/log-run.ts'
import { SpaceDocument } from '../src/space-document.ts'
import { readUpdate } from '../src/update-reader.ts'
import { encodeUpdate } from '../src/update-writer.ts'

function readAll(update: Uint8Array): LogRun[] {
  const steps = readUpdate(update)
  for (;;) {
    const step = steps.next()
    if (step.done === true) return step.value
  }
}

const run: fc.Arbitrary<LogRun> = fc
  .tuple(
    fc.maxSafeNat(),
    fc.integer({ min: 0, max: 2000 }),
    fc.array(fc.constantFrom('AAAA', 'BBBBBBBB', null), { minLength: 1, maxLength: 40 }),
  )
  .map(([writer, clock, items]) => ({
    writer,
    clock,
    items: items.map((item, at) => (isPageBreak(clock + at) ? null : item)),
  }))

describe('an update', () => {
  it('of two entries is the bytes it has always been', () => {
    const hex = [
      '01', // one log
      '01', // one struct
      'e724', // writer 4711
      '00', // from clock 0
      '08', // content of any type, no origin
      '01', // parent: a root, by name
      '0333' + '6d76', // "3mv", the writer in base 36
      '02', // two values
      '770441414141', // text of 4 bytes: "AAAA"
      '770442424242', // "BBBB"
      '00', // no delete set
    ].join('')
    expect(Buffer.from(encodeUpdate([{ writer: 4711, clock: 0, items: ['AAAA', 'BBBB'] }])).toString('hex')).toBe(hex)
  })

  it('is read as it was written', () => {
    fc.assert(
      fc.property(fc.uniqueArray(run, { selector: ({ writer }) => writer }), (runs) => {
        expect(readAll(encodeUpdate(runs))).toEqual(runs)
      }),
    )
  })

  it('means to Yjs what it means here', () => {
    const entries = Array.from({ length: 1500 }, (_, at) => Buffer.from([1, at >> 8, at & 0xff]).toString('base64'))
    const document = new SpaceDocument()
    const appended = document.append(4711, entries)
    document.deleteEntries([3, 4, 700].map((clock) => ({ writer: 4711, clock })))
    const held = { ...appended, items: document.items(4711, 0, document.clockOf(4711)) }
    expect(held.items.filter((item) => item !== null)).toHaveLength(1497)
    const doc = new Y.Doc()
    Y.applyUpdate(doc, encodeUpdate([held]))
    const log = doc.getArray(logName(4711))
    expect(log.toArray().filter((item) => typeof item === 'string')).toEqual(
      entries.filter((_, at) => ![3, 4, 699].includes(at)),
    )
    expect(readAll(Y.encodeStateAsUpdate(doc))).toEqual([held])
    for (const from of [0, 1, 511, 512, 513, 514, 1200]) {
      expect(document.items(4711, from, from + 5)).toEqual(held.items.slice(from, from + 5))
    }
  })
})
