import type { DeviceKey, Member } from '@dittofs/interface'
import { byDepth, type MembersState, roleOf, type StatementNode } from './resolve-members.ts'
import type { StatementGraph } from './statement-graph.ts'

/** What the statements that are durable say, read once for each change of them. */
export class MembersView {
  /** By all statements together. */
  readonly state: MembersState
  /** How many there are. */
  readonly size: number
  /** Whom some statement that counts ever made a member. */
  readonly everMembers: ReadonlySet<DeviceKey>
  readonly #nodes: readonly StatementNode[]
  #list: readonly Member[] | undefined

  constructor(graph: StatementGraph) {
    this.state = graph.members()
    this.#nodes = graph.nodes.slice()
    this.size = this.#nodes.length
    const grants = this.#nodes.filter((node) => roleOf(node) !== undefined)
    this.everMembers = new Set(grants.map(({ statement }) => statement.body.subject))
  }

  /** The statements, parents first. */
  get statements(): readonly Uint8Array[] {
    return this.#nodes.map((node) => node.statement.bytes)
  }

  /** In order of key. */
  get list(): readonly Member[] {
    this.#list ??= this.#describe()
    return this.#list
  }

  #describe(): Member[] {
    const lastNames = lastNamesIn(this.#nodes)
    const members = [...this.state].map(([key, { role, grants }]) => {
      const names = grants.map(({ statement: { body } }) => ('name' in body ? body.name : undefined))
      // A grant that only changes a role carries no name: the one given when the device was added stays.
      const name = names.findLast((given) => given !== undefined) ?? lastNames.get(key) ?? ''
      return { key, name, role, addedBy: grants[0]?.statement.body.author ?? key }
    })
    return members.sort((a, b) => (a.key < b.key ? -1 : 1))
  }
}

function lastNamesIn(nodes: readonly StatementNode[]): Map<DeviceKey, string> {
  const names = new Map<DeviceKey, string>()
  for (const { statement } of [...nodes].sort(byDepth)) {
    if ('name' in statement.body) names.set(statement.body.subject, statement.body.name)
  }
  return names
}
