import { isDittoError } from '@dittofs/interface'
import { seededRandom } from '@dittofs/testing'
import { describeDisk, differences, exchange, fetchMissing, settleAll } from './cluster.ts'
import { ContentLedger } from './content-ledger.ts'
import { idOf, refOf } from './memory-content.ts'
import { failure } from './memory-disk.ts'
import { Person } from './person.ts'
import { type FolderSetup, SimulatedDevice } from './simulated-device.ts'
import { VirtualClock } from './virtual-clock.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly steps?: number
}

export interface SimulationResult {
  /** Empty when all held. */
  readonly faults: readonly string[]
  /** What happened, in order. */
  readonly trace: readonly string[]
  readonly digest: string
}

interface InFlight {
  readonly from: number
  readonly to: number
  readonly message: Uint8Array
}

const ONE_FOLDER: readonly FolderSetup[] = [{ id: 'home', path: '' }]
const TWO_FOLDERS: readonly FolderSetup[] = [
  { id: 'left', path: 'l' },
  { id: 'right', path: 'r' },
]
/** So much that nothing is held back: the brake has tests of its own. */
const NO_BRAKE = 1_000_000

/** Runs a random life of some devices with live folders. The same options give the same run. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  return new Simulation(options).run()
}

class Simulation {
  readonly #steps: number
  readonly #random: () => number
  readonly #clock = new VirtualClock()
  readonly #ledger = new ContentLedger()
  readonly #devices: SimulatedDevice[] = []
  readonly #network: InFlight[] = []
  readonly #faults: string[] = []
  readonly #trace: string[] = []
  #numbers = 0
  #isolated = -1
  /** What a disk refuses for now, by device. */
  readonly #refusals = new Map<number, 'DITTO_NO_SPACE' | 'DITTO_PERMISSION'>()
  #isWild = true
  #isActing = false

  constructor({ seed, steps = 40 + (seed % 5) * 30 }: SimulationOptions) {
    this.#steps = steps
    this.#random = seededRandom(seed)
    const count = 2 + (seed % 3)
    for (let at = 0; at < count; at += 1) {
      const name = ['alice', 'bob', 'carol', 'dave'][at] ?? `device ${at}`
      const folders = (seed + at) % 4 === 3 ? TWO_FOLDERS : ONE_FOLDER
      const onMessages = (messages: readonly Uint8Array[]) => {
        for (let to = 0; to < count; to += 1) {
          if (to !== at) for (const message of messages) this.#network.push({ from: at, to, message })
        }
      }
      const device = new SimulatedDevice({ name, seed, clock: this.#clock, folders, onMessages, brakeFiles: NO_BRAKE })
      device.hook = (call, names) => this.#between(at, call, names)
      this.#devices.push(device)
    }
  }

  async run(): Promise<SimulationResult> {
    const [first, ...others] = this.#devices as [SimulatedDevice, ...SimulatedDevice[]]
    await first.openStore()
    const directory = { mode: 0o755, mtimeNs: 1n }
    await first.store.transact(['l', 'r'].map((path) => ({ type: 'mkdir', path, directory })))
    for (const other of others) {
      await other.openStore()
      await exchange(first, other)
    }
    this.#network.splice(0)
    for (const device of this.#devices) await device.start()
    for (let step = 0; step < this.#steps && this.#faults.length === 0; step += 1) await this.#step()
    await this.#end()
    const digest = Buffer.from(first.store.digest()).toString('hex')
    for (const device of this.#devices) await device.stop()
    return { faults: this.#faults, trace: this.#trace, digest }
  }

  async #step(): Promise<void> {
    const dice = this.#random()
    const at = this.#below(this.#devices.length)
    const device = this.#devices[at] as SimulatedDevice
    if (dice < 0.45) this.#act(at)
    else if (dice < 0.65) await this.#deliverOne()
    else if (dice < 0.75) await this.#meet(at, this.#below(this.#devices.length))
    else if (dice < 0.78) this.#isolated = this.#chance(0.5) ? at : -1
    else if (dice < 0.81) this.#refuse(at)
    else if (dice < 0.83) this.#clock.jump(this.#below(7_200_000) - 3_600_000)
    else if (dice < 0.87) {
      this.#trace.push(`${device.name} crashes`)
      await device.crash(() => this.#actMeanwhile(at))
    } else if (dice < 0.89) {
      this.#trace.push(`${device.name} stops and starts`)
      await device.restart(() => this.#actMeanwhile(at))
    }
    const turns = this.#below(8)
    for (let turn = 0; turn < turns; turn += 1) await this.#clock.pass(this.#chance(0.3) ? 60 : 1, 1 + this.#below(6))
  }

  #actMeanwhile(at: number): void {
    if (this.#chance(0.5)) this.#act(at)
  }

  #act(at: number): void {
    const device = this.#devices[at] as SimulatedDevice
    const { id, path } = this.#pick(device.setups)
    this.#isActing = true
    new Person({
      ...{ device: device.name, ...(device.setups.length === 1 ? {} : { folder: id }), root: path },
      ...{ disk: device.disk(id), random: this.#random, ledger: this.#ledger },
      nextNumber: () => {
        this.#numbers += 1
        return this.#numbers
      },
      log: (text) => this.#trace.push(text),
      fixed: device.setups.length === 1 ? ['l', 'r'] : [],
    }).act()
    this.#isActing = false
  }

  /** Between two calls of the engine somebody may work on the disk, or the disk may refuse. */
  #between(at: number, call: string, names: readonly string[]): void {
    if (!this.#isWild || this.#isActing || names[0]?.startsWith('.dittofs-folder') === true) return
    if (this.#chance(0.01)) {
      this.#trace.push(`(during ${call} of ${names.join('/')})`)
      this.#act(at)
    }
    const refusal = this.#refusals.get(at)
    if (refusal === 'DITTO_NO_SPACE' && (call === 'writeFile' || call === 'makeDirectory')) throw failure(refusal)
    const isChange = ['writeFile', 'makeDirectory', 'rename', 'remove', 'makeSymlink'].includes(call)
    if (refusal === 'DITTO_PERMISSION' && isChange && names[0] === 'a') throw failure(refusal)
  }

  #refuse(at: number): void {
    if (this.#refusals.has(at)) this.#refusals.delete(at)
    else this.#refusals.set(at, this.#chance(0.5) ? 'DITTO_NO_SPACE' : 'DITTO_PERMISSION')
    this.#trace.push(`${this.#devices[at]?.name} ${this.#refusals.get(at) ?? 'takes all again'}`)
  }

  async #deliverOne(): Promise<void> {
    if (this.#network.length === 0) return
    const at = this.#below(this.#network.length)
    const { from, to, message } = this.#network[at] as InFlight
    if (from === this.#isolated || to === this.#isolated) return
    if (!this.#chance(0.2)) this.#network.splice(at, 1)
    if (this.#chance(0.15)) return
    const [sender, receiver] = [this.#devices[from] as SimulatedDevice, this.#devices[to] as SimulatedDevice]
    try {
      await receiver.store.receive(message, sender.key, true)
    } catch (error) {
      if (!isDittoError(error, 'DITTO_UPDATE_GAP')) throw error
      await exchange(sender, receiver)
    }
    if (this.#chance(0.6)) await fetchMissing(sender, receiver)
  }

  async #meet(a: number, b: number): Promise<void> {
    if (a === b || a === this.#isolated || b === this.#isolated) return
    await exchange(this.#devices[a] as SimulatedDevice, this.#devices[b] as SimulatedDevice)
  }

  async #end(): Promise<void> {
    if (this.#faults.length > 0) return
    this.#isWild = false
    this.#network.splice(0)
    this.#trace.push('everybody meets')
    for (const device of this.#devices) device.folders.rescan()
    await this.#settle()
    await this.#compare()
    if (this.#faults.length > 0) return
    const [first] = this.#devices as [SimulatedDevice]
    const before = Buffer.from(first.store.digest()).toString('hex')
    for (const device of this.#devices) await device.crash()
    await this.#settle()
    if (Buffer.from(first.store.digest()).toString('hex') !== before) {
      this.#faults.push('QUIET: devices that were in step and start again change something')
    }
    await this.#compare()
  }

  async #settle(): Promise<void> {
    for (let round = 0; round < 4; round += 1) {
      this.#faults.push(...(await settleAll(this.#devices, this.#clock)))
      let isHeld = false
      for (const { folders } of this.#devices) {
        for (const { id, paused } of folders.states()) {
          if (paused?.reason !== 'brake') continue
          isHeld = true
          await folders.resume(id, { accept: true })
        }
      }
      if (!isHeld) return
    }
  }

  async #compare(): Promise<void> {
    const final = new Map<string, { readonly place: string; readonly path: string }>()
    for (const device of this.#devices) {
      for (const { id, paused, problems } of device.folders.states()) {
        // A person may delete the directory that a folder mirrors, on another device.
        if (paused?.reason === 'directory-gone') continue
        if (paused !== undefined) this.#faults.push(`PAUSED: ${device.name} ${id}: ${paused.reason}`)
        for (const { path, message } of problems) this.#faults.push(`PROBLEM: ${device.name} ${id}/${path}: ${message}`)
      }
      const isGone = device.folders.states().some(({ paused }) => paused?.reason === 'directory-gone')
      for (const difference of isGone ? [] : await differences(device)) this.#faults.push(`DIFFERS: ${difference}`)
      for (const { id, path: root } of device.setups) {
        for (const { names, inode } of device.disk(id).files()) {
          if (inode.kind !== 'file') continue
          const path = [...(root === '' ? [] : [root]), ...names].map((name) => name.normalize('NFC')).join('/')
          final.set(inode.text, { place: `${device.name} ${id}/${names.join('/')}`, path })
        }
      }
    }
    const whole = this.#devices.filter(({ setups }) => setups === ONE_FOLDER)
    const [one, ...rest] = whole.map((device) => JSON.stringify([...describeDisk(device.disk())].sort()))
    for (const other of rest) if (other !== one) this.#faults.push('CONVERGE: two disks differ')
    if (whole.length === 0) return
    const isSeen = (text: string) => this.#devices.some(({ content }) => content.seen.has(idOf(refOf(text))))
    this.#faults.push(...this.#ledger.check(final, isSeen))
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }

  #pick<T>(values: readonly T[]): T {
    return values[this.#below(values.length)] as T
  }
}
