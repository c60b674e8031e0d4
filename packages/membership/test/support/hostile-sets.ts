import type { Signer } from '../../src/signer.ts'
import type { Statement } from '../../src/statement.ts'
import type { StatementWorld } from './statement-world.ts'
import { unsignedDevice } from './test-device.ts'

/** A set as large as a space may hold, made to be as dear to resolve as its maker can manage. */
export type HostileSet = (world: StatementWorld, founder: Signer, count: number) => Statement[]

const MEMBERS = 12
const devices = Array.from({ length: MEMBERS }, (_, i) => unsignedDevice(`hostile ${i}`))

function members(world: StatementWorld, founder: Signer): Statement[] {
  const made = [world.genesis]
  for (const device of devices) made.push(world.say(founder, 'add', device, [made.at(-1) as Statement]))
  return made
}

const pick = <T>(list: readonly T[], i: number): T => list[i % list.length] as T

export const HOSTILE_SETS: Readonly<Record<string, HostileSet>> = {
  'removals side by side': (world, founder, count) => {
    const made = members(world, founder)
    const base = made.at(-1) as Statement
    for (let i = 0; made.length < count; i++) {
      const author = pick(devices, i)
      const subject = pick(devices, i + 1 + (i % (MEMBERS - 1)))
      if (author !== subject) made.push(world.say(author, 'remove', subject, [base]))
    }
    return made
  },

  'many grants, then removals side by side': (world, founder, count) => {
    const made = members(world, founder)
    for (let i = 0; made.length < count / 2; i++) {
      const heads = made.slice(-1)
      made.push(world.say(founder, 'add', pick(devices, i), heads))
    }
    const base = made.at(-1) as Statement
    for (let i = 0; made.length < count; i++) {
      const author = pick(devices, i)
      const subject = pick(devices, i + 1 + (i % (MEMBERS - 1)))
      if (author !== subject) made.push(world.say(author, 'remove', subject, [base]))
    }
    return made
  },

  'grants of one device, each in the sight of the next, which it rests on': (world, founder, count) => {
    const made = members(world, founder)
    const [first, second, third] = devices as [Signer, Signer, Signer]
    for (let i = 0; made.length < count / 2; i++) {
      made.push(world.say(i % 2 === 0 ? first : second, 'add', i % 2 === 0 ? second : first, made.slice(-1)))
    }
    const base = made.at(-1) as Statement
    for (let i = 0; made.length < count; i++) {
      made.push(
        world.say(pick([first, second], i), 'remove', pick([third, second, first, ...devices.slice(3)], i + 2), [base]),
      )
    }
    return made.filter(({ body }) => body.kind === 'genesis' || body.kind !== 'remove' || body.author !== body.subject)
  },

  'two branches that remove each other all the way': (world, founder, count) => {
    const made = members(world, founder)
    const base = made.at(-1) as Statement
    let left = base
    let right = base
    for (let i = 0; made.length < count - 1; i++) {
      left = world.say(pick(devices.slice(0, 6), i), i % 2 === 0 ? 'remove' : 'add', pick(devices.slice(6), i), [left])
      right = world.say(pick(devices.slice(6), i), i % 2 === 0 ? 'remove' : 'add', pick(devices.slice(0, 6), i), [
        right,
      ])
      made.push(left, right)
    }
    return made
  },

  'grants and removals in turn on four branches': (world, founder, count) => {
    const made = members(world, founder)
    const heads = Array.from({ length: 4 }, () => made.at(-1) as Statement)
    for (let i = 0; made.length < count; i++) {
      const author = pick(devices, Math.imul(i, 7))
      const subject = pick(devices, Math.imul(i, 5) + 1)
      if (author === subject) continue
      const kind = (['add', 'remove', 'add', 'role'] as const)[(i >> 2) % 4] ?? 'add'
      const next = world.say(author, kind, subject, [heads[i % 4] as Statement], i % 3 === 0 ? 'read' : 'full')
      heads[i % 4] = next
      made.push(next)
    }
    return made
  },
}
