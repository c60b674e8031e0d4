import { ManualClock } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { IceServerChoice } from '../src/ice-server-choice.ts'
import { type IceEndpoint, iceEndpoints } from '../src/ice-servers.ts'

const servers = iceEndpoints([
  { urls: ['stun:one.example', 'stun:two.example'] },
  { urls: ['turn:one.example', 'turns:two.example'], username: 'alice', credential: 'secret' },
])

/** A choice among servers that answer after some milliseconds, or never. */
function choiceOf(answersAfterMs: Readonly<Record<string, number>>) {
  const clock = new ManualClock()
  const asked: string[] = []
  const choice = new IceServerChoice({
    clock,
    probe: async ({ kind, host }, { signal }) => {
      const name = `${kind} ${host}`
      asked.push(name)
      return clock.sleep(answersAfterMs[name] ?? Number.MAX_SAFE_INTEGER, { signal }).then(
        () => true,
        () => false,
      )
    },
  })
  const hosts = async (endpoints: readonly IceEndpoint[] = servers) => {
    const chosen = choice.choose(endpoints)
    await clock.advance(2_000)
    const { stun, turn } = await chosen
    return [stun?.host, turn?.host]
  }
  return { clock, asked, choice, hosts }
}

const ALL = { 'stun one.example': 20, 'stun two.example': 5, 'turn one.example': 30, 'turn two.example': 100 }

describe('IceServerChoice', () => {
  it('takes the first of each kind where all answer, though others answer sooner', async () => {
    const { hosts } = choiceOf(ALL)
    expect(await hosts()).toEqual(['one.example', 'one.example'])
  })

  it('takes the next where the first is dead, a quarter of a second after that has answered', async () => {
    const { clock, choice } = choiceOf({ 'stun two.example': 5, 'turn two.example': 100 })
    let chosen: unknown
    void choice.choose(servers).then(({ stun, turn }) => {
      chosen = [stun?.host, turn?.host]
    })
    await clock.advance(349)
    expect(chosen).toBeUndefined()
    await clock.advance(1)
    expect(chosen).toEqual(['two.example', 'two.example'])
  })

  it('takes the first where none answers, and asks again soon', async () => {
    const { hosts, asked, clock } = choiceOf({})
    expect(await hosts()).toEqual(['one.example', 'one.example'])
    expect(await hosts()).toEqual(['one.example', 'one.example'])
    expect(asked).toHaveLength(4)
    await clock.advance(30_000)
    await hosts()
    expect(asked).toHaveLength(8)
  })

  it('asks once for all that choose meanwhile, for five minutes, and until the network is another one', async () => {
    const { hosts, asked, clock, choice } = choiceOf(ALL)
    await Promise.all([hosts(), hosts()])
    await hosts()
    expect(asked).toHaveLength(4)
    choice.forget()
    await hosts()
    expect(asked).toHaveLength(8)
    await clock.advance(5 * 60_000)
    await hosts()
    expect(asked).toHaveLength(12)
  })

  it('asks anew when the servers are others', async () => {
    const { hosts, asked } = choiceOf(ALL)
    await hosts()
    expect(await hosts([...servers].reverse())).toEqual(['two.example', 'two.example'])
    expect(asked).toHaveLength(8)
  })

  it('asks nobody where there is no choice', async () => {
    const { hosts, asked } = choiceOf({})
    expect(await hosts(servers.slice(1, 3))).toEqual(['two.example', 'one.example'])
    expect(await hosts([])).toEqual([undefined, undefined])
    expect(asked).toEqual([])
  })
})

describe('iceEndpoints', () => {
  it('leaves out a TURN server that nobody gave a name and a password for', () => {
    expect(iceEndpoints([{ urls: ['turn:one.example', 'stun:one.example'], username: 'alice' }])).toEqual([
      { kind: 'stun', transport: 'udp', host: 'one.example', port: 3478, username: 'alice', credential: '' },
    ])
  })
})
