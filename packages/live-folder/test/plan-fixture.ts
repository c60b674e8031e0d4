import type { Action, MetadataStore, TreeEntry } from '@dittofs/interface'
import type { BaseEntry } from '../src/base/base-entry.ts'
import { BaseTree } from '../src/base/base-tree.ts'
import { contentOf } from '../src/base/content-text.ts'
import { stampText } from '../src/base/stamp-text.ts'
import type { DiskStamp } from '../src/disk-stamp.ts'
import type { IncomingScope, IncomingStep } from '../src/plan/incoming-plan.ts'
import { type LocalDirectory, type LocalName, type LocalTree, localKey } from '../src/plan/local-tree.ts'
import { planIncoming } from '../src/plan/plan-incoming.ts'
import { type OutgoingPlan, planOutgoing } from '../src/plan/plan-outgoing.ts'
import { refOf } from './simulation/memory-content.ts'
import { SimulatedDevice } from './simulation/simulated-device.ts'
import { VirtualClock } from './simulation/virtual-clock.ts'

/** A document, and a base that is in step with it: what planning is between. The folder is called `f`. */
export class PlanFixture {
  readonly base = new BaseTree()
  readonly store: MetadataStore
  #ino = 1n

  private constructor(store: MetadataStore) {
    this.store = store
    this.base.addFolder('f', store.root, this.stamp('directory'))
  }

  /** @param paths - of files, and of directories with a `/` behind */
  static async of(...paths: readonly string[]): Promise<PlanFixture> {
    const device = new SimulatedDevice({ name: 'alice', seed: 1, clock: new VirtualClock(), folders: [] })
    await device.openStore()
    const fixture = new PlanFixture(device.store)
    await fixture.store.transact(paths.map((path) => fixture.make(path)))
    for await (const batch of fixture.store.walk('')) for (const entry of batch) fixture.#sync(entry)
    return fixture
  }

  make(path: string, text = path): Action {
    if (path.endsWith('/')) {
      return { type: 'mkdir', path: path.slice(0, -1), directory: { mode: 0o755, mtimeNs: 1n } }
    }
    return { type: 'write', path, file: { size: text.length, mtimeNs: 1n, mode: 0o644, content: refOf(text) } }
  }

  at(path: string): BaseEntry {
    const entry = this.base.at('f', path.split('/'))
    if (entry === undefined) throw new Error(`the base has no ${path}`)
    return entry
  }

  stamp(kind: DiskStamp['kind']): DiskStamp {
    this.#ino += 1n
    const times = { mtimeNs: 1n, ctimeNs: 1n, birthtimeNs: this.#ino }
    return { kind, dev: 1n, ino: this.#ino, size: 1, mode: kind === 'directory' ? 0o755 : 0o644, ...times }
  }

  #sync(entry: TreeEntry): void {
    if (entry.path === '') return
    const names = entry.path.split('/')
    const parent = this.base.at('f', names.slice(0, -1)) as BaseEntry
    const { name, node, nodes, version } = entry
    const stamp = this.stamp(entry.kind)
    this.base.add({ parent, name, rawName: name, node, nodes, version, content: contentOf(entry), stamp })
  }

  /** What a round would do on disk, a line a step. */
  incoming(scope: IncomingScope = 'all'): string[] {
    const folders = [{ id: 'f', path: '', foldsCase: false, isWritten: true }]
    const init = { base: this.base, remote: this.store, folders, scope, firstNumber: 1 }
    const plan = planIncoming(init)
    for (let step = plan.next(); ; step = plan.next()) if (step.done === true) return step.value.steps.map(line)
  }

  /** What is on disk as the base has it, to be changed and then looked at. */
  disk(): LocalFixture {
    return new LocalFixture(this)
  }

  outgoing(local: LocalTree): OutgoingPlan {
    const plan = planOutgoing(this.base, local, this.store)
    for (let step = plan.next(); ; step = plan.next()) if (step.done === true) return step.value
  }
}

function line(step: IncomingStep): string {
  if (step.type === 'move') return `move ${step.from} to ${step.path}`
  return `${step.type} ${step.path}`
}

/** A disk as a person changes it: paths with stamps. */
export class LocalFixture {
  readonly #fixture: PlanFixture
  readonly #stamps = new Map<string, DiskStamp>()

  constructor(fixture: PlanFixture) {
    this.#fixture = fixture
    for (const entry of fixture.base.folders.get('f')?.subtree() ?? []) {
      if (entry.parent !== undefined) this.#stamps.set(entry.path, entry.stamp)
    }
  }

  move(from: string, to: string): this {
    for (const [path, stamp] of [...this.#stamps]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue
      this.#stamps.delete(path)
      this.#stamps.set(to + path.slice(from.length), path === from ? { ...stamp, ctimeNs: 9n } : stamp)
    }
    return this
  }

  make(path: string): this {
    const isDirectory = path.endsWith('/')
    const stamp = this.#fixture.stamp(isDirectory ? 'directory' : 'file')
    this.#stamps.set(isDirectory ? path.slice(0, -1) : path, stamp)
    return this
  }

  edit(path: string): this {
    this.#stamps.set(path, { ...(this.#stamps.get(path) as DiskStamp), size: 2, mtimeNs: 9n, ctimeNs: 9n })
    return this
  }

  remove(path: string): this {
    for (const one of [...this.#stamps.keys()]) if (one === path || one.startsWith(`${path}/`)) this.#stamps.delete(one)
    return this
  }

  /** What a round would send, a line each. @param directories - only these were looked at; absent: all */
  plan(directories?: readonly string[], ignoredIn: readonly string[] = []): string[] {
    const all = ['', ...[...this.#stamps].filter(([, { kind }]) => kind === 'directory').map(([path]) => path)]
    const local = new Map<string, LocalDirectory>()
    for (const path of directories ?? all) {
      const names = path === '' ? [] : path.split('/')
      const entries = new Map<string, LocalName>()
      for (const [one, stamp] of this.#stamps) {
        const slash = one.lastIndexOf('/')
        const name = one.slice(slash + 1)
        if (one.slice(0, Math.max(0, slash)) === path)
          entries.set(name, { name, rawName: name, stamp, stampText: stampText(stamp) })
      }
      const hasMore = ignoredIn.includes(path)
      local.set(localKey('f', names), { folder: 'f', names, rawNames: names, entries, hasMore })
    }
    const plan = this.#fixture.outgoing(local)
    const place = ({ directory, found }: { directory: LocalDirectory; found: LocalName }) =>
      [...directory.names, found.name].join('/')
    return [
      ...plan.directories.map((one) => `${one.adopts === undefined ? 'make' : 'adopt'} ${place(one)}/`),
      ...plan.moves.map((one) => `move ${one.entry.path} to ${place(one)}`),
      ...plan.leaves.map((one) => `new ${place(one)}${one.mayBe.length > 0 ? ' or what the space has' : ''}`),
      ...plan.changes.map((one) => `look at ${place(one)}`),
      ...plan.vanished.map((entry) => `gone ${entry.path}`),
    ]
  }
}
