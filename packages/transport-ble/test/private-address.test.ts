import { EventEmitter } from 'node:events'
import { ManualClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { PrivateAddress } from '../src/private-address.ts'

const SUCCESS = 0x00
const COMMAND_DISALLOWED = 0x0c

/** An adapter that answers LE Set Random Address with the status, and remembers what was written. */
class Adapter extends EventEmitter {
  readonly written: string[] = []
  status: number | undefined = SUCCESS

  write(packet: Buffer): void {
    this.written.push(packet.toString('hex'))
    if (this.status === undefined || packet.length < 4 || packet.readUInt16LE(1) !== 0x2005) return
    // Another command is done at the same time.
    this.emit('data', Buffer.from('040e04010c2000', 'hex'))
    this.emit('data', Buffer.from([0x04, 0x0e, 0x04, 0x01, 0x05, 0x20, this.status]))
  }
}

function privateAddress() {
  const adapter = new Adapter()
  const clock = new ManualClock()
  let drawn = 0
  const randomBytes = (size: number) => new Uint8Array(size).fill(0xff - drawn++)
  const address = PrivateAddress.of({ _bindings: { _hci: { _socket: adapter } } }, { clock, randomBytes })
  return { adapter, clock, address: address! }
}

describe('PrivateAddress', () => {
  it('is one of the form of a resolvable private address, another one each time', async () => {
    const { adapter, address } = privateAddress()
    expect(address.current).toBeUndefined()
    expect(await address.renew()).toBe(true)
    // Least significant byte first; the two most significant bits are 01.
    expect(adapter.written).toEqual([`01052006${'ff'.repeat(5)}7f`])
    expect(address.current).toBe(`7f${'ff'.repeat(5)}`)
    expect(await address.renew()).toBe(true)
    expect(address.current).toBe(`7e${'fe'.repeat(5)}`)
  })

  it('is what advertising, scanning and connecting show from then on', async () => {
    const { adapter, address } = privateAddress()
    const advertising = `01062010${'00'.repeat(15)}`
    const commands = [
      [advertising, 9],
      [`010b2007${'00'.repeat(7)}`, 9],
      [`010d2019${'00'.repeat(25)}`, 16],
      [`0141200d${'00'.repeat(13)}`, 4],
      [`0143202a${'00'.repeat(42)}`, 5],
    ] as const
    adapter.write(Buffer.from(advertising, 'hex'))
    await address.renew()
    adapter.written.length = 0
    for (const [command] of commands) adapter.write(Buffer.from(command, 'hex'))
    expect(adapter.written).toEqual(
      commands.map(([command, at]) => `${command.slice(0, 2 * at)}01${command.slice(2 * at + 2)}`),
    )
  })

  it('leaves everything else as it is', async () => {
    const { adapter, address } = privateAddress()
    await address.renew()
    adapter.written.length = 0
    for (const packet of ['010a200101', '0206', '01062000', '02062001000000000000000000']) {
      adapter.write(Buffer.from(packet, 'hex'))
      expect(adapter.written.pop()).toBe(packet)
    }
  })

  it('stays what it was where the adapter is busy, or does not answer', async () => {
    const { adapter, address, clock } = privateAddress()
    adapter.status = COMMAND_DISALLOWED
    expect(await address.renew()).toBe(false)
    expect(address.current).toBeUndefined()
    adapter.status = SUCCESS
    await address.renew()
    const { current } = address
    adapter.status = undefined
    const renewed = address.renew()
    await clock.advance(3_000)
    expect(await renewed).toBe(false)
    expect(address.current).toBe(current)
    expect(adapter.listenerCount('data')).toBe(0)
  })

  it('is not there where the system speaks to the adapter', () => {
    const init = { clock: new ManualClock(), randomBytes: (size: number) => new Uint8Array(size) }
    expect(PrivateAddress.of({ _bindings: {} }, init)).toBeUndefined()
    expect(PrivateAddress.of({}, init)).toBeUndefined()
  })
})
