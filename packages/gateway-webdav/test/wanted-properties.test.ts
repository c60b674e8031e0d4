import { memoryVolume } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { WantedPropertiesReader } from '../src/properties/wanted-properties.ts'

const body = (inner: string) => Buffer.from(`<D:propfind xmlns:D="DAV:">${inner}</D:propfind>`)

async function subject(name: string) {
  const volume = memoryVolume()
  const attributes = await volume.attributes(volume.root)
  return { name, attributes, dead: [], locks: [], statistics: undefined }
}

describe('the bodies of PROPFIND', () => {
  it('are read once where they come again, and answered for each resource', async () => {
    const reader = new WantedPropertiesReader()
    const asked = body('<D:prop><D:displayname/><D:none/></D:prop>')
    const wanted = reader.read(asked)
    expect(reader.read(Buffer.from(asked))).toBe(wanted)
    for (const name of ['a', 'b']) {
      expect(wanted.find(await subject(name))).toEqual([
        { status: 200, elements: [`<D:displayname>${name}</D:displayname>`] },
        { status: 404, elements: ['<D:none/>'] },
      ])
    }
    expect(wanted.needsStatistics).toBe(false)
    expect(reader.read(body('<D:prop><D:quota-used-bytes/></D:prop>')).needsStatistics).toBe(true)
  })

  it('are forgotten where they are many or long', () => {
    const reader = new WantedPropertiesReader()
    const first = reader.read(undefined)
    for (let index = 0; index < 100; index += 1) reader.read(body(`<D:prop><x${index}/></D:prop>`))
    expect(reader.read(undefined)).not.toBe(first)
    const long = body(`<D:prop>${'<D:displayname/>'.repeat(100)}</D:prop>`)
    expect(reader.read(long)).not.toBe(reader.read(long))
  })

  it('are refused each time where they are none', () => {
    const reader = new WantedPropertiesReader()
    for (const _ of [1, 2]) expect(() => reader.read(body('<D:x/>'))).toThrow('no PROPFIND')
  })
})
