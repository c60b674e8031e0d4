import type { NodeAction, NodeContent, PathAction, TreeEntry } from '@dittofs/interface'
import { isDittoError } from '@dittofs/interface'
import { seededRandom } from '@dittofs/testing'
import { parseVersionId } from '../../src/version-id.ts'
import { fileOf } from '../memory-space.ts'
import { Ledger } from './ledger.ts'
import { NodeMemory } from './node-memory.ts'
import { nodeDifferences } from './node-model.ts'
import { type ObservedState, runsIn, versionKey } from './observed-state.ts'
import { applyToPaths, differences, pathTree } from './path-model.ts'
import { type Disk, SimulatedDevice } from './simulated-device.ts'

export interface SimulationOptions {
  readonly seed: number
  readonly steps?: number
  readonly devices?: number
  /** Whether devices also act on nodes as they saw them at some time. */
  readonly actsOnNodes?: boolean
}

export interface SimulationResult {
  readonly faults: readonly string[]
  readonly trace: readonly string[]
  readonly digest: string
  readonly operations: number
  readonly conflicts: number
  readonly displaced: number
}

interface InFlight {
  readonly from: number
  readonly to: number
  readonly message: Uint8Array
}

/** Few names, some of them equal but for their case: so that everything happens to everything. */
const NAMES = ['a', 'b', 'c', 'A', 'x.txt', 'X.txt', 'd']
const OPERATIONS = [
  ...['create', 'create', 'create', 'mkdir', 'mkdir', 'link', 'write', 'write', 'write', 'moveLeaf'],
  ...['moveDirectory', 'moveDirectory', 'moveDirectory', 'removeLeaf', 'removeDirectory', 'removeDirectory'],
  ...['replaceKind', 'changeCase', 'takeCopy', 'touchDirectory'],
] as const

/** Runs a random life of some devices. The same options give the same run. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const simulation = new Simulation(options)
  return simulation.run()
}

class Simulation {
  readonly #seed: number
  readonly #steps: number
  readonly #random: () => number
  readonly #actsOnNodes: boolean
  /** Its own numbers, so that the same seed without actions on nodes stays the life it is. */
  readonly #nodeRandom: () => number
  readonly #memories: NodeMemory[] = []
  readonly #devices: SimulatedDevice[] = []
  readonly #ledger = new Ledger()
  readonly #network: InFlight[] = []
  readonly #faults: string[] = []
  readonly #trace: string[] = []
  /** For each device a disk it may be put back to. */
  readonly #backups: Disk[] = []
  /** Whether anything left a device since that disk. */
  readonly #hasSpread: boolean[] = []
  #isolated = -1
  #contents = 0
  #outbox: Uint8Array[] = []

  constructor({
    seed,
    steps = 60 + (seed % 5) * 40,
    devices = 2 + (seed % 3),
    actsOnNodes = false,
  }: SimulationOptions) {
    this.#seed = seed
    this.#steps = steps
    this.#actsOnNodes = actsOnNodes
    this.#nodeRandom = seededRandom(seed + 0x40de)
    this.#random = seededRandom(seed)
    for (let at = 0; at < devices; at += 1) {
      const name = ['alice', 'bob', 'carol', 'dave'][at] ?? `device ${at}`
      this.#devices.push(new SimulatedDevice(name, (messages) => this.#outbox.push(...messages)))
      this.#backups.push([])
      this.#memories.push(new NodeMemory())
    }
  }

  async run(): Promise<SimulationResult> {
    for (const device of this.#devices) await device.start([], this.#seed)
    for (let step = 0; step < this.#steps && this.#faults.length === 0; step += 1) await this.#step()
    return this.#end()
  }

  async #step(): Promise<void> {
    const dice = this.#random()
    const at = this.#below(this.#devices.length)
    const device = this.#devices[at] as SimulatedDevice
    if (dice < 0.5) await this.#act(at)
    else if (dice < 0.74) await this.#deliverOne()
    else if (dice < 0.82) await this.#exchange(at, this.#below(this.#devices.length))
    else if (dice < 0.85) this.#isolated = this.#chance(0.5) ? at : -1
    else if (dice < 0.9) await this.#backUp(at)
    else if (dice < 0.93) await this.#restart(at, await device.disk(), 'crashes')
    else if (dice < 0.95) await this.#putBack(at)
    else if (dice < 0.97) await this.#crashWhileActing(at)
    else {
      await device.store.close()
      await this.#restart(at, await device.diskAfterClose(), 'stops and starts')
    }
  }

  async #restart(at: number, disk: Disk, how: string): Promise<void> {
    const device = this.#devices[at] as SimulatedDevice
    this.#trace.push(`${device.name} ${how}`)
    await device.start(disk, this.#seed)
  }

  async #backUp(at: number): Promise<void> {
    this.#backups[at] = await (this.#devices[at] as SimulatedDevice).disk()
    this.#hasSpread[at] = false
  }

  /**
   * Puts a device back to an older disk. What it did since is lost, unless another device holds it: then one other
   * holds all of it, for good. (Where several devices forget, changes can be left whose base no device has.)
   */
  async #putBack(at: number): Promise<void> {
    if (this.#hasSpread[at] === true) {
      const keeper = (at + 1) % this.#devices.length
      await this.#ask(at, keeper)
      await this.#backUp(keeper)
    }
    const inFlight = this.#network.filter(({ from }) => from !== at)
    this.#network.splice(0, this.#network.length, ...inFlight)
    await this.#restart(at, this.#backups[at] ?? [], 'is put back to a backup')
    this.#hasSpread[at] = false
  }

  /** A change that was on its way to disk when the device stopped never happened, and never left. */
  async #crashWhileActing(at: number): Promise<void> {
    const device = this.#devices[at] as SimulatedDevice
    const disk = await device.disk()
    await device.pullDisk()
    const isRefused = await device.store
      .transact([{ type: 'write', path: 'lost', file: this.#newFile() }])
      .then(() => false)
      .catch((error: unknown) => isDittoError(error))
    if (!isRefused) this.#faults.push('DURABILITY: a change was accepted that could not be written')
    if (this.#outbox.length > 0) this.#faults.push('DURABILITY: a change left before it was written')
    this.#outbox = []
    await this.#restart(at, disk, 'crashes while writing')
  }

  async #act(at: number): Promise<void> {
    const device = this.#devices[at] as SimulatedDevice
    const before = await device.observe()
    if (this.#actsOnNodes) {
      this.#memories[at]?.remember(before, (limit) => Math.floor(this.#nodeRandom() * limit))
      if (this.#nodeRandom() < 0.5) return this.#actOnNode(at, before)
    }
    const actions = this.#chooseActions(before)
    if (actions.length === 0) return
    const held = device.vector()
    const title = `${device.name} ${this.#ledger.operations}: ${actions.map((action) => describe(action)).join(', ')}`
    this.#trace.push(title)
    this.#outbox = []
    try {
      await device.store.transact(actions)
    } catch (error) {
      // The first of two actions may take a dead directory away, and with it the place of the second.
      if (!isDittoError(error, 'DITTO_EXISTS') || actions.length === 1 || before.deadPaths.size === 0) throw error
      await this.#checkIncremental(device, before)
      return
    }
    const messages = this.#outbox
    this.#outbox = []
    const after = await device.observe()
    const expected = actions.reduce((tree, action) => applyToPaths(tree, action), pathTree(before))
    for (const difference of differences(expected, pathTree(after), before)) {
      this.#faults.push(`LOCAL: ${title}: ${difference}`)
    }
    await this.#checkIncremental(device, after)
    this.#ledger.record(title, runsIn(messages), held, before, after)
    this.#send(at, messages)
  }

  async #actOnNode(at: number, before: ObservedState): Promise<void> {
    const device = this.#devices[at] as SimulatedDevice
    const action = this.#memories[at]?.choose(before, {
      below: (limit) => Math.floor(this.#nodeRandom() * limit),
      names: NAMES,
      newContent: (kind) => this.#newContent(kind),
    })
    if (action === undefined) return
    const held = device.vector()
    const title = `${device.name} ${this.#ledger.operations}: ${describeNodeAction(action, before)}`
    this.#trace.push(title)
    this.#outbox = []
    try {
      await device.store.transact([action])
    } catch (error) {
      // A directory into itself, or a node whose place was lost with another device.
      if (!isDittoError(error, 'DITTO_USAGE') && !isDittoError(error, 'DITTO_NOT_FOUND')) throw error
      await this.#checkIncremental(device, before)
      return
    }
    const messages = this.#outbox
    this.#outbox = []
    const after = await device.observe()
    for (const difference of nodeDifferences(before, after, action)) {
      this.#faults.push(`NODE: ${title}: ${difference}`)
    }
    await this.#checkIncremental(device, after)
    const isLeafEdit = action.type === 'edit' && action.content.kind !== 'directory'
    const base = isLeafEdit ? versionKey(action.node, parseVersionId(action.base)) : undefined
    this.#ledger.record(title, runsIn(messages), held, before, after, base)
    this.#send(at, messages)
  }

  #send(from: number, messages: readonly Uint8Array[]): void {
    for (const to of this.#devices.keys()) {
      if (to !== from) for (const message of messages) this.#network.push({ from, to, message })
    }
  }

  /** The store's own view, kept up to date step by step, is what resolving everything anew gives. */
  async #checkIncremental(device: SimulatedDevice, state: ObservedState): Promise<void> {
    this.#faults.push(...state.faults)
    const counts = JSON.stringify(device.store.counts())
    const shown = new Map<string, TreeEntry>()
    for await (const batch of device.store.walk('')) for (const entry of batch) shown.set(entry.path, entry)
    shown.delete('')
    const isEqual = describeTree(shown) === describeTree(state.entries)
    if (!isEqual) this.#faults.push(`INCREMENTAL: ${device.name} shows what resolving anew does not`)
    const { files, directories, symlinks, bytes, conflicts } = state.view.summaries.of(state.view.root).totals
    const waiting = state.view.index.waitingNodes
    const expected = JSON.stringify({ files, directories, symlinks, bytes: Number(bytes), conflicts, waiting })
    if (counts !== expected) this.#faults.push(`INCREMENTAL: ${device.name} counts ${counts}, not ${expected}`)
  }

  async #deliverOne(): Promise<void> {
    if (this.#network.length === 0) return
    const at = this.#below(this.#network.length)
    const { from, to, message } = this.#network[at] as InFlight
    if (this.#isCut(from, to)) return
    const isDuplicated = this.#chance(0.2)
    const isDropped = this.#chance(0.15)
    if (!isDuplicated) this.#network.splice(at, 1)
    if (isDropped) return
    await this.#deliver(from, to, message)
  }

  async #deliver(from: number, to: number, message: Uint8Array): Promise<void> {
    this.#hasSpread[from] = true
    const receiver = this.#devices[to] as SimulatedDevice
    const sender = this.#devices[from] as SimulatedDevice
    try {
      await receiver.store.receive(message, sender.key, true)
    } catch (error) {
      if (!isDittoError(error, 'DITTO_UPDATE_GAP')) throw error
      await this.#ask(from, to)
    }
    if (this.#chance(0.2)) await this.#checkIncremental(receiver, await receiver.observe())
  }

  /** `to` asks `from` for all it lacks. */
  async #ask(from: number, to: number): Promise<void> {
    this.#hasSpread[from] = true
    const sender = this.#devices[from] as SimulatedDevice
    const receiver = this.#devices[to] as SimulatedDevice
    for (const message of await sender.store.receive(receiver.store.hello(), receiver.key, true)) {
      await receiver.store.receive(message, sender.key, true)
    }
  }

  async #exchange(a: number, b: number): Promise<void> {
    if (a === b || this.#isCut(a, b)) return
    await this.#ask(a, b)
    await this.#ask(b, a)
  }

  async #end(): Promise<SimulationResult> {
    this.#isolated = -1
    for (const { from, to, message } of this.#network.splice(0)) await this.#deliver(from, to, message)
    for (let round = 0; round < 3; round += 1) {
      for (const a of this.#devices.keys()) for (const b of this.#devices.keys()) await this.#exchange(a, b)
    }
    const [first, ...others] = this.#devices as [SimulatedDevice, ...SimulatedDevice[]]
    const state = await first.observe()
    const digest = Buffer.from(first.store.digest()).toString('hex')
    for (const other of others) {
      if (describeTree((await other.observe()).entries) !== describeTree(state.entries)) {
        this.#faults.push(`CONVERGE: ${other.name} shows another tree than ${first.name}`)
      }
      if (Buffer.from(other.store.digest()).toString('hex') !== digest) {
        this.#faults.push(`CONVERGE: ${other.name} has another digest than ${first.name}`)
      }
    }
    for (const device of this.#devices) await this.#checkIncremental(device, await device.observe())
    if (state.view.index.waitingNodes > 0) this.#faults.push(`WAITING: ${state.view.index.waitingNodes} nodes`)
    this.#faults.push(...this.#ledger.check(state, first.vector()))
    return {
      faults: this.#faults,
      trace: this.#trace,
      digest,
      operations: this.#ledger.operations,
      conflicts: first.store.counts().conflicts,
      displaced: state.view.index.displaced.size,
    }
  }

  #chooseActions(state: ObservedState): PathAction[] {
    const entries = [...state.entries.values()]
    const leaves = entries.filter(({ kind }) => kind !== 'directory')
    const directories = entries.filter(({ kind }) => kind === 'directory')
    const target = () => this.#freePath(state, this.#pick(['', ...directories.map(({ path }) => path)]))
    const operation = this.#pick(OPERATIONS)
    if (operation === 'create') return [{ type: 'write', path: target(), file: this.#anyFile() }]
    if (operation === 'mkdir') return [{ type: 'mkdir', path: target(), directory: this.#newDirectory() }]
    if (operation === 'link') {
      const symlink = { target: this.#pick(NAMES), mtimeNs: this.#newTime() }
      return this.#chance(0.5) ? [{ type: 'symlink', path: target(), symlink }] : []
    }
    const leaf = leaves.length === 0 ? undefined : this.#pick(leaves)
    const directory = directories.length === 0 ? undefined : this.#pick(directories)
    if (operation === 'write' && leaf !== undefined) {
      return [{ type: 'write', path: leaf.path, file: this.#newFile() }]
    }
    if (operation === 'moveLeaf' && leaf !== undefined) return [{ type: 'move', from: leaf.path, to: target() }]
    if (operation === 'moveDirectory' && directory !== undefined) {
      const elsewhere = ['', ...directories.map(({ path }) => path)].filter(
        (path) => !`${path}/`.startsWith(`${directory.path}/`),
      )
      return [{ type: 'move', from: directory.path, to: this.#freePath(state, this.#pick(elsewhere)) }]
    }
    if (operation === 'removeLeaf' && leaf !== undefined) return [{ type: 'remove', path: leaf.path }]
    if (operation === 'removeDirectory' && directory !== undefined) return [{ type: 'remove', path: directory.path }]
    if (operation === 'touchDirectory' && directory !== undefined) {
      return [{ type: 'mkdir', path: directory.path, directory: this.#newDirectory() }]
    }
    if (operation === 'replaceKind' && entries.length > 0) {
      const { path, kind } = this.#pick(entries)
      if (kind === 'directory') {
        return [
          { type: 'remove', path },
          { type: 'write', path, file: this.#anyFile() },
        ]
      }
      return [
        { type: 'remove', path },
        { type: 'write', path: `${path}/in`, file: this.#anyFile() },
      ]
    }
    if (operation === 'changeCase' && entries.length > 0) {
      const { path, name } = this.#pick(entries)
      const changed = name === name.toUpperCase() ? name.toLowerCase() : name.toUpperCase()
      const to = path.slice(0, path.length - name.length) + changed
      return changed === name || state.entries.has(to) ? [] : [{ type: 'move', from: path, to }]
    }
    if (operation === 'takeCopy') {
      const copy = leaves.find(({ conflictOf, file }) => conflictOf !== undefined && file !== undefined)
      const main = copy?.conflictOf === undefined ? undefined : state.entries.get(copy.conflictOf)
      if (copy?.file === undefined || main === undefined || main.kind === 'directory') return []
      return [
        { type: 'remove', path: copy.path },
        { type: 'write', path: main.path, file: copy.file },
      ]
    }
    return []
  }

  #freePath(state: ObservedState, directory: string): string {
    const inside = (name: string) => (directory === '' ? name : `${directory}/${name}`)
    const free = NAMES.filter((name) => !state.entries.has(inside(name)))
    this.#contents += 1
    return inside(free.length > 0 ? this.#pick(free) : `n${this.#contents}`)
  }

  /** Now and then a content that others write too. */
  #anyFile() {
    return this.#chance(0.25) ? fileOf(`same ${this.#below(2)}`, this.#newTime()) : this.#newFile()
  }

  #newFile() {
    this.#contents += 1
    return fileOf(`content ${this.#contents}`, this.#newTime())
  }

  #newContent(kind: TreeEntry['kind']): NodeContent {
    if (kind === 'directory') return { kind, directory: this.#newDirectory() }
    if (kind === 'file')
      return { kind, file: this.#nodeRandom() < 0.25 ? fileOf('same 0', this.#newTime()) : this.#newFile() }
    return { kind, symlink: { target: this.#nodeRandom() < 0.5 ? 'a' : 'b', mtimeNs: this.#newTime() } }
  }

  #newDirectory() {
    return { mode: 0o755, mtimeNs: this.#newTime() }
  }

  #newTime(): bigint {
    this.#contents += 1
    return 1_700_000_000_000_000_000n + BigInt(this.#contents) * 1_000_000_000n
  }

  #isCut(a: number, b: number): boolean {
    return a === this.#isolated || b === this.#isolated
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

function describe(action: PathAction): string {
  return action.type === 'move' ? `move ${action.from} to ${action.to}` : `${action.type} ${action.path}`
}

function describeNodeAction(action: NodeAction, { entries }: ObservedState): string {
  const path = (id: string) => [...entries.values()].find(({ node }) => node === id)?.path ?? id
  const { type } = action
  if (type === 'create') return `create ${action.content.kind} ${action.name} in ${path(action.parent)}`
  if (type === 'place') return `place ${path(action.node)} as ${action.name} in ${path(action.parent)}`
  if (type === 'edit') return `edit ${path(action.node)} based on ${action.base}`
  if (type === 'undelete') return `undelete ${path(action.node)}`
  return `delete ${path(action.node)} based on ${action.base}, keeping ${(action.keep ?? []).map(path).join(' and ')}`
}

function describeTree(entries: ReadonlyMap<string, TreeEntry>): string {
  const lines = [...entries.values()].map(
    ({ path, node, nodes, version, conflictOf, author, directory }) =>
      `${path} ${node} ${nodes?.join()} ${version} ${conflictOf} ${author} ${directory?.mtimeNs}`,
  )
  return lines.sort().join('\n')
}
