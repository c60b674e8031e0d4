import { EventEmitter } from 'node:events'
import { systemClock } from '@dittofs/interface'
import { turnClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { powerOn } from '../src/radio-power.ts'
import { radioUnavailable } from '../src/radio-unavailable.ts'
import { quietConsole, survivePackets } from '../src/tame-package.ts'

class Radio extends EventEmitter {
  state = 'unknown'

  become(state: string): void {
    this.state = state
    this.emit('stateChange', state)
  }
}

describe('a radio that cannot be used', () => {
  it.each([
    [
      Object.assign(new Error("Cannot find module 'x'"), { code: 'MODULE_NOT_FOUND' }),
      /not installed or was not built/,
    ],
    [new Error('EAFNOSUPPORT, Address family not supported by protocol'), /this system has no Bluetooth/],
    [new Error('ENODEV, No such device'), /no Bluetooth adapter/],
    [new Error('EPERM, Operation not permitted'), /cap_net_raw/],
    ['unauthorized', /cap_net_raw/],
    ['poweredOff', /switch it on/],
    ['unsupported', /does not know Bluetooth LE/],
    ['no answer', /does not answer/],
    [new Error('Unsupported platform'), /not supported on this system/],
    [new Error('the moon is full\n    at lib.js:1'), /the moon is full; leave it off\.$/],
  ])('is explained in one sentence: %s', (cause, expected) => {
    const error = radioUnavailable(cause)
    expect(error.code).toBe('DITTO_UNSUPPORTED')
    expect(error.message).toMatch(expected)
    expect(error.message).toMatch(/^Bluetooth cannot be used: [^\n]+\.$/)
  })

  it('is waited for, but not for ever', async () => {
    const radio = new Radio()
    await expect(powerOn(radio, turnClock(1_000))).rejects.toThrow(/does not answer/)
    const off = new Radio()
    const waiting = powerOn(off, turnClock(100))
    off.become('poweredOff')
    await expect(waiting).rejects.toThrow(/switched off/)
  })

  it('is found at once where it is on already, or comes on', async () => {
    const radio = new Radio()
    radio.state = 'poweredOn'
    await powerOn(radio, systemClock)
    const late = new Radio()
    const waiting = powerOn(late, systemClock)
    late.become('poweredOff')
    late.become('poweredOn')
    await waiting
  })

  it('is refused when its package throws while it is switched on', async () => {
    const radio = new Radio()
    radio.on('newListener', (event) => {
      if (event === 'stateChange') throw Object.assign(new Error('bind'), { code: 'ENODEV' })
    })
    await expect(powerOn(radio, systemClock)).rejects.toThrow(/no Bluetooth adapter/)
  })

  it('takes no part in how the process ends on Ctrl-C', async () => {
    const radio = new Radio()
    const before = process.listeners('SIGINT')
    const waiting = powerOn(radio, systemClock)
    process.on('SIGINT', () => undefined)
    radio.become('poweredOn')
    await waiting
    expect(process.listeners('SIGINT')).toEqual(before)
  })
})

describe('a package for the radio', () => {
  it('prints nothing on the console', () => {
    const logged: string[] = []
    const printed: unknown[][] = []
    const { log, warn } = console
    console.log = (...values: unknown[]) => printed.push(values)
    try {
      const none = () => undefined
      quietConsole({ debug: (_, message) => logged.push(message), info: none, warn: none, error: none })
      console.log('noble warning: adapter state unauthorized, please run as root or with sudo')
      console.log('               or see README for information on running without root/sudo:')
      console.log('Bleno warning: adapter does not support Bluetooth Low Energy (BLE, Bluetooth Smart).')
      console.log('noble people live here')
    } finally {
      Object.assign(console, { log, warn })
    }
    expect(logged).toHaveLength(3)
    expect(printed).toEqual([['noble people live here']])
  })

  it('survives a packet that it cannot read', () => {
    const read: Buffer[] = []
    const hci = {
      onSocketData(data: Buffer) {
        data.readUInt16LE(0)
        read.push(data)
      },
    }
    survivePackets({ _bindings: { _hci: hci } }, undefined)
    hci.onSocketData(Buffer.alloc(1))
    hci.onSocketData(Buffer.alloc(2))
    expect(read).toHaveLength(1)
    survivePackets({}, undefined)
  })
})
