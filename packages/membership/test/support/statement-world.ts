import { type Role, spaceId } from '@dittofs/interface'
import type { Signer } from '../../src/signer.ts'
import { type Statement, type StatementBody, signStatement } from '../../src/statement.ts'
import { StatementGraph } from '../../src/statement-graph.ts'
import { testDevice } from './test-device.ts'

type Kind = 'add' | 'role' | 'remove' | 'leave'

/** Makes statements that see exactly what a test says they see, backdated ones too. */
export class StatementWorld {
  readonly genesis: Statement
  #time = 0

  constructor(founder: Signer = testDevice('alice')) {
    this.genesis = signStatement(
      {
        kind: 'genesis',
        author: founder.key,
        subject: founder.key,
        role: 'full',
        name: 'first',
        time: 0,
        seen: [],
        chunker: 'fastcdc',
        hash: 'blake3',
        nonce: new Uint8Array(16),
      },
      founder,
    )
  }

  say(author: Signer, kind: Kind, subject: Signer, seen: readonly Statement[], role: Role = 'full'): Statement {
    const body = {
      kind,
      space: spaceId.parse(this.genesis.id),
      author: author.key,
      subject: subject.key,
      time: ++this.#time,
      seen: [...new Set(seen.map(({ id }) => id))].sort(),
      ...((kind === 'add' || kind === 'role') && { role }),
      ...(kind === 'add' && { name: 'somebody' }),
    } as StatementBody
    return signStatement(body, author)
  }

  /** A graph of these statements, given in any order. */
  graph(...statements: readonly Statement[]): StatementGraph {
    const graph = new StatementGraph(spaceId.parse(this.genesis.id))
    let left = [this.genesis, ...statements.filter(({ id }) => id !== this.genesis.id)]
    while (left.length > 0) {
      const waiting = left.filter((statement) => graph.add(statement) === 'waiting')
      if (waiting.length === left.length) throw new Error('a statement sees one that is not given')
      left = waiting
    }
    return graph
  }

  /** Members by key, with their roles. */
  members(...statements: readonly Statement[]): Record<string, Role> {
    return Object.fromEntries([...this.graph(...statements).members()].map(([key, { role }]) => [key, role]))
  }
}
