import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { EventEmitter, once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type Btvirt, bluetoothUnavailable, startBtvirt } from './support/bluetooth/btvirt.ts'
import { skipBecause } from './support/environment.ts'

const script = path.join(import.meta.dirname, 'support', 'bluetooth', 'ble-device.mjs')

interface Line {
  readonly event: 'ready' | 'sighting' | 'begun' | 'received' | 'closed' | 'failed'
  readonly role?: 'initiator' | 'responder'
  readonly remote?: string
  readonly seed?: number
  readonly hash?: string
  readonly isClean?: boolean
  readonly addresses?: readonly string[]
}

/** A process with a controller for each role, until the test has finished. */
class BleDevice {
  readonly seed: number
  readonly #lines: Line[] = []
  readonly #child
  readonly #exited: Promise<void>
  #hasEnded = false
  readonly #news = new EventEmitter().setMaxListeners(0)

  constructor(btvirt: Btvirt, seed: number, bytes: number) {
    this.seed = seed
    this.#child = spawn(process.execPath, [script, `${seed}`, `${bytes}`], {
      env: { ...process.env, ...btvirt.environment },
      stdio: ['pipe', 'pipe', 'inherit'],
    })
    this.#exited = new Promise((resolve) => {
      this.#child.once('exit', () => {
        this.#hasEnded = true
        this.#news.emit('news')
        resolve()
      })
    })
    onTestFinished(async () => {
      this.#child.stdin.end()
      await this.#exited
    })
    createInterface({ input: this.#child.stdout }).on('line', (line) => {
      this.#lines.push(JSON.parse(line) as Line)
      this.#news.emit('news')
    })
  }

  /** The first line, come or still to come, that `matches`. */
  async line(matches: (line: Line) => boolean): Promise<Line> {
    for (;;) {
      const found = this.#lines.find(matches)
      if (found !== undefined) return found
      if (this.#hasEnded) throw new Error('the device ended too early; see its standard error')
      await once(this.#news, 'news')
    }
  }

  event(event: Line['event'], role?: Line['role']): Promise<Line> {
    return this.line((line) => line.event === event && (role === undefined || line.role === role))
  }

  /** Makes it announce something new, as a device does every ten minutes; its seed is 100 higher for those who hear it. */
  announceAnew(): void {
    this.#child.stdin.write('\n')
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL')
    await this.#exited
  }
}

/** What a device of that seed says. */
function hashOf(seed: number, bytes: number): string {
  return createHash('sha256')
    .update(Buffer.alloc(bytes, `seed ${seed} `))
    .digest('hex')
}

async function emulator(): Promise<Btvirt> {
  const btvirt = await startBtvirt()
  onTestFinished(() => btvirt.stop())
  return btvirt
}

describe('two devices with nothing but Bluetooth', () => {
  it.skipIf(skipBecause(bluetoothUnavailable()))(
    'find each other, connect both ways at once, and exchange bytes that are all there',
    async () => {
      const bytes = 500_000
      const btvirt = await emulator()
      const alice = new BleDevice(btvirt, 1, bytes)
      await alice.event('ready')
      const bob = new BleDevice(btvirt, 2, bytes)
      for (const [device, other] of [
        [alice, bob],
        [bob, alice],
      ] as const) {
        const sighting = await device.line(({ event, seed }) => event === 'sighting' && seed === other.seed)
        const { addresses } = await other.event('ready')
        expect(sighting.addresses).toEqual(addresses)
        for (const role of ['initiator', 'responder'] as const) {
          const { hash } = await device.event('received', role)
          expect(hash, `what seed ${device.seed} received as ${role}`).toBe(hashOf(other.seed, bytes))
        }
      }
    },
  )

  it.skipIf(skipBecause(bluetoothUnavailable()))(
    'show another address whenever they announce something new, and keep the connections they have',
    async () => {
      const bytes = 2_000_000
      const btvirt = await emulator()
      const alice = new BleDevice(btvirt, 1, bytes)
      await alice.event('ready')
      const bob = new BleDevice(btvirt, 2, bytes)
      await Promise.all([alice.event('begun', 'initiator'), alice.event('begun', 'responder')])
      bob.announceAnew()
      const heard = async (seed: number) => alice.line((line) => line.event === 'sighting' && line.seed === seed)
      const addresses = [(await heard(2)).addresses, (await heard(102)).addresses].flat()
      expect(new Set(addresses).size).toBe(2)
      // Not that of the controller, which begins with 00aa01, but one of the form of a resolvable private address.
      for (const address of addresses) expect(address).toMatch(/^ble:\/\/[4-7][0-9a-f]{11}$/)
      for (const role of ['initiator', 'responder'] as const) {
        expect((await alice.event('received', role)).hash).toBe(hashOf(2, bytes))
        expect((await bob.event('received', role)).hash).toBe(hashOf(1, bytes))
      }
      // Whoever connects shows no address of the controller either.
      expect((await bob.event('begun', 'responder')).remote).toMatch(/^ble:\/\/[4-7]/)
    },
  )

  it.skipIf(skipBecause(bluetoothUnavailable()))(
    'notice within seconds that one was killed, and find it again when it is back',
    async () => {
      const bytes = 30_000_000
      const btvirt = await emulator()
      const alice = new BleDevice(btvirt, 1, bytes)
      await alice.event('ready')
      const bob = new BleDevice(btvirt, 2, bytes)
      await Promise.all([alice.event('begun', 'initiator'), alice.event('begun', 'responder')])
      await bob.kill()
      const cut = await Promise.all([alice.event('closed', 'initiator'), alice.event('closed', 'responder')])
      expect(cut.map(({ isClean }) => isClean)).toEqual([false, false])

      const bobAgain = new BleDevice(btvirt, 3, 1_000)
      await alice.line(({ event, seed }) => event === 'sighting' && seed === 3)
      const { hash } = await alice.line((line) => line.event === 'received')
      expect(hash).toBe(hashOf(3, 1_000))
      await bobAgain.event('begun', 'responder')
    },
  )
})
