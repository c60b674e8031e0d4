import { describe, expect, it } from 'vitest'
import { describeDisk, differences, exchange, settle, settleAll } from './simulation/cluster.ts'
import { type FolderSetup, SimulatedDevice } from './simulation/simulated-device.ts'
import { VirtualClock } from './simulation/virtual-clock.ts'

interface ClusterOptions {
  readonly bob?: Partial<FolderSetup>
  readonly brakeFiles?: number
  readonly roomFor?: () => Promise<number>
}

async function cluster({ bob: setup = {}, brakeFiles, roomFor }: ClusterOptions = {}) {
  const clock = new VirtualClock()
  const make = (name: string, folder: FolderSetup) =>
    new SimulatedDevice({
      name,
      seed: 1,
      clock,
      folders: [folder],
      ...(brakeFiles === undefined ? {} : { brakeFiles }),
      ...(roomFor === undefined ? {} : { roomFor }),
    })
  const alice = make('alice', { id: 'home', path: '' })
  const bob = make('bob', { id: 'home', path: '', ...setup })
  for (const device of [alice, bob]) {
    await device.openStore()
    await device.start()
  }
  const both = [alice, bob]
  const meet = async () => expect(await settleAll(both, clock)).toEqual([])
  return { alice, bob, clock, meet, settleBoth: () => settle(both, clock) }
}

const paths = (device: SimulatedDevice) => [...describeDisk(device.disk()).keys()].sort()
const state = (device: SimulatedDevice) => device.folders.states()[0]

function fill(device: SimulatedDevice, count: number): void {
  device.disk().makeDirectory(['many'])
  for (let at = 0; at < count; at += 1) device.disk().write(['many', `f${at}`], `text ${at}`)
}

describe('the brake', () => {
  it('holds a folder of which most was deleted here, until that is accepted', async () => {
    const { alice, bob, meet } = await cluster()
    fill(alice, 30)
    await meet()
    alice.disk().remove(['many'])
    await meet()
    expect(state(alice)?.paused).toMatchObject({
      reason: 'brake',
      held: { direction: 'outgoing', deletedFiles: 30, replacedFiles: 0, files: 30 },
    })
    expect(paths(bob)).toHaveLength(31)
    await alice.folders.resume('home', { accept: true })
    await meet()
    expect(paths(alice)).toEqual([])
    // Bob did not accept it: his folder is held in turn.
    expect(state(bob)?.paused?.held).toMatchObject({ direction: 'incoming', deletedFiles: 30 })
    await bob.folders.resume('home', { accept: true })
    await meet()
    expect(paths(bob)).toEqual([])
  })

  it('holds a folder whose files are deleted one by one, before most are gone', async () => {
    const { alice, bob, meet } = await cluster()
    fill(alice, 60)
    await meet()
    for (let at = 0; at < 60; at += 1) {
      alice.disk().remove(['many', `f${at}`])
      await meet()
    }
    expect(state(alice)?.paused).toMatchObject({ reason: 'brake', held: { direction: 'outgoing' } })
    expect(paths(bob).length).toBeGreaterThan(40)
  })

  it('holds files that were replaced, but not files whose attributes changed, and not a move', async () => {
    const { alice, bob, meet } = await cluster()
    fill(alice, 30)
    await meet()
    for (let at = 0; at < 30; at += 1) alice.disk().setAttributes(['many', `f${at}`], { mtimeNs: BigInt(at) * 1000n })
    alice.disk().rename(['many'], ['moved'])
    await meet()
    expect(state(alice)?.paused).toBeUndefined()
    expect(paths(bob)).toContain('moved/f7')
    for (let at = 0; at < 30; at += 1) alice.disk().write(['moved', `f${at}`], `encrypted ${at}`)
    await meet()
    expect(state(alice)?.paused?.held).toMatchObject({ deletedFiles: 0, replacedFiles: 30 })
    expect(bob.disk().at(['moved', 'f7'])?.text).toBe('text 7')
  })

  it('holds more than a set number of files, whatever share that is', async () => {
    const { alice, meet } = await cluster({ brakeFiles: 5 })
    fill(alice, 100)
    await meet()
    for (let at = 0; at < 6; at += 1) alice.disk().remove(['many', `f${at}`])
    await meet()
    expect(state(alice)?.paused?.held).toMatchObject({ deletedFiles: 6, files: 100 })
  })
})

describe('a file that is gone and found again by its bytes', () => {
  it('is moved, with the time and the mode that it has now', async () => {
    const { alice, bob, meet } = await cluster()
    alice.disk().write(['letter'], 'the same bytes')
    alice.disk().setAttributes(['letter'], { mtimeNs: 5_000_000n })
    await meet()
    alice.disk().remove(['letter'])
    alice.disk().write(['copy'], 'the same bytes')
    alice.disk().setAttributes(['copy'], { mtimeNs: 7_000_000n, mode: 0o600 })
    await meet()
    for (const device of [alice, bob]) {
      expect(paths(device)).toEqual(['copy'])
      expect(device.disk().at(['copy'])).toMatchObject({ mtimeNs: 7_000_000n, mode: 0o600 })
    }
  })
})

describe('a disk with little room', () => {
  it('gets the files that fit; the others are reported, and written once there is room', async () => {
    let room = 8
    const { alice, bob, clock, meet } = await cluster({ roomFor: async () => room })
    alice.disk().write(['empty'], '')
    alice.disk().write(['large'], 'more than fits')
    alice.disk().write(['small'], 'fits')
    await meet()
    expect(paths(bob)).toEqual(['empty', 'small'])
    expect(state(bob)?.problems.map(({ path, kind }) => `${path} ${kind}`)).toEqual(['large no-space'])
    expect(state(bob)?.problems[0]?.message).toContain('waits for room: 14 bytes')
    room = 1000
    // The longest it takes until it is tried again.
    await clock.pass(60_000)
    await meet()
    expect(paths(bob)).toEqual(['empty', 'large', 'small'])
    expect(state(bob)?.problems).toEqual([])
  })
})

describe('a folder that only sends', () => {
  it('reports what others did, and plans it as not taken', async () => {
    const { alice, bob, meet } = await cluster({ bob: { mode: 'send' } })
    bob.disk().write(['changed'], 'of bob')
    bob.disk().write(['deleted'], 'of bob too')
    await meet()
    expect(state(bob)).toMatchObject({ untaken: 0, problems: [] })
    alice.disk().write(['made'], 'of alice')
    alice.disk().write(['changed'], 'by alice')
    alice.disk().remove(['deleted'])
    await meet()
    expect(paths(bob)).toEqual(['changed', 'deleted'])
    const problems = state(bob)
      ?.problems.map(({ path, kind, message }) => `${path} ${kind} ${message}`)
      .sort()
    expect(problems).toEqual([
      'changed remote-change This was changed by others only: the folder only sends.',
      'deleted remote-change This was deleted by others only: the folder only sends.',
      'made remote-change This was made by others only: the folder only sends.',
    ])
    expect(state(bob)?.untaken).toBe(3)
    const { steps } = await bob.folders.plan('home')
    expect(steps.map(({ type, path, isUntaken }) => `${type} ${path} ${isUntaken}`).sort()).toEqual([
      'create made true',
      'delete deleted true',
      'edit changed true',
    ])
    alice.disk().remove(['made'])
    await meet()
    expect(
      state(bob)
        ?.problems.map(({ path }) => path)
        .sort(),
    ).toEqual(['changed', 'deleted'])
  })
})

describe('a root that is not what it was', () => {
  it('pauses the folder when it is empty, and deletes nothing', async () => {
    const { alice, bob, meet } = await cluster()
    alice.disk().write(['f'], 'text')
    await meet()
    alice.disk().remove(['f'])
    alice.disk().remove(['.dittofs-folder'])
    await meet()
    expect(state(alice)?.paused?.reason).toBe('marker')
    expect(paths(bob)).toEqual(['f'])
    await alice.folders.resume('home', { accept: true })
    await meet()
    expect(paths(bob)).toEqual([])
  })

  it('pauses the folder when its marker names another one', async () => {
    const { alice, meet } = await cluster()
    alice.disk().write(['.dittofs-folder'], '{"folder":"other"}')
    alice.folders.rescan()
    await meet()
    expect(state(alice)?.paused?.reason).toBe('marker')
  })
})

describe('a folder that only receives', () => {
  it('keeps what is changed here, under a name of its own where the space has something else, and sends none of it', async () => {
    const { alice, bob, meet } = await cluster({ bob: { mode: 'receive' } })
    alice.disk().write(['f'], 'one')
    await meet()
    bob.disk().write(['f'], 'changed by bob')
    bob.disk().write(['own'], 'of bob')
    await meet()
    expect(state(bob)?.problems.map(({ path, kind }) => `${path} ${kind}`)).toEqual([
      'own local-change',
      'f local-change',
    ])
    alice.disk().write(['f'], 'two')
    await meet()
    expect(paths(alice)).toEqual(['f'])
    expect(bob.disk().at(['f'])?.text).toBe('two')
    const kept = paths(bob).find((path) => path.startsWith('f (kept from bob'))
    expect(bob.disk().at([kept ?? ''])?.text).toBe('changed by bob')
  })
})

describe('a folder that only sends', () => {
  it('writes nothing here', async () => {
    const { alice, bob, meet } = await cluster({ bob: { mode: 'send' } })
    alice.disk().write(['f'], 'one')
    bob.disk().write(['g'], 'two')
    await meet()
    expect(paths(bob)).toEqual(['g'])
    expect(paths(alice)).toEqual(['f', 'g'])
  })
})

describe('pause and resume', () => {
  it('leaves a paused folder alone, across a restart, and catches up when it goes on', async () => {
    const { alice, bob, meet } = await cluster()
    await bob.folders.pause('home')
    alice.disk().write(['f'], 'one')
    bob.disk().write(['g'], 'two')
    await meet()
    await bob.restart()
    await meet()
    expect([paths(alice), paths(bob)]).toEqual([['f'], ['g']])
    await bob.folders.resume('home')
    await meet()
    expect([paths(alice), paths(bob)]).toEqual([
      ['f', 'g'],
      ['f', 'g'],
    ])
  })
})

describe('plan', () => {
  it('says what a round would do, both ways, and changes nothing', async () => {
    const { alice, bob, meet, settleBoth } = await cluster()
    alice.disk().write(['f'], 'one')
    alice.disk().makeDirectory(['d'])
    await meet()
    await bob.folders.pause('home')
    bob.disk().write(['new'], 'two')
    bob.disk().rename(['d'], ['e'])
    alice.disk().write(['f'], 'three')
    await settleBoth()
    await exchange(alice, bob)
    const before = describeDisk(bob.disk())
    const { steps } = await bob.folders.plan('home')
    expect(steps.map(({ direction, type, path, from }) => [direction, type, path, from].join(' ').trim())).toEqual([
      'outgoing move e d',
      'outgoing create new',
      'incoming edit f',
    ])
    expect(describeDisk(bob.disk())).toEqual(before)
  })
})

describe('a file system without case', () => {
  it('holds one of two names that differ by case only, reports the other, and renames by case', async () => {
    const { alice, bob, meet } = await cluster({ bob: { foldsCase: true } })
    alice.disk().write(['name'], 'one')
    await meet()
    alice.disk().rename(['name'], ['NAME'])
    await meet()
    expect(paths(bob)).toEqual(['NAME'])
    alice.disk().write(['name'], 'two')
    await meet()
    expect(paths(bob)).toEqual(['NAME'])
    expect(bob.disk().at(['NAME'])?.text).toBe('one')
    expect(state(bob)?.problems.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['case-clash name'])
    alice.disk().remove(['NAME'])
    await meet()
    expect(bob.disk().at(['name'])?.text).toBe('two')
    expect(state(bob)?.problems).toEqual([])
  })
})

describe('content that has not come', () => {
  it('is waited for, and written when it is there', async () => {
    const { alice, bob, clock, settleBoth } = await cluster()
    alice.disk().write(['f'], 'one')
    await settleBoth()
    for (const message of await alice.store.receive(bob.store.hello(), bob.key, true)) {
      await bob.store.receive(message, alice.key, true)
    }
    await settle([bob], clock)
    expect([paths(bob), state(bob)?.waiting]).toEqual([[], 1])
    await exchange(alice, bob)
    await settle([bob], clock)
    expect([paths(bob), state(bob)?.waiting]).toEqual([['f'], 0])
  })

  it('is written when it comes just while this device asks itself whether it is there', async () => {
    const { alice, bob, clock, settleBoth } = await cluster()
    alice.disk().write(['f'], 'one')
    await settleBoth()
    const areHeld = bob.content.areHeld.bind(bob.content)
    bob.content.areHeld = async (files) => {
      const held = await areHeld(files)
      for (const { content } of files) bob.content.fetch(content, alice.content)
      return held
    }
    for (const message of await alice.store.receive(bob.store.hello(), bob.key, true)) {
      await bob.store.receive(message, alice.key, true)
    }
    await settle([bob], clock)
    expect([paths(bob), state(bob)?.waiting]).toEqual([['f'], 0])
  })
})

describe('adoption', () => {
  it('takes files that are on both sides already for the same ones, and their times from the space', async () => {
    const { alice, bob, meet } = await cluster()
    for (const device of [alice, bob]) {
      device.disk().makeDirectory(['d'])
      device.disk().write(['d', 'f'], 'the same')
    }
    await meet()
    expect(paths(alice)).toEqual(['d', 'd/f'])
    for (const device of [alice, bob]) expect(await differences(device)).toEqual([])
  })
})

describe('the places of files', () => {
  it('are found where the file is now, and end with its content', async () => {
    const { alice, meet } = await cluster()
    alice.disk().makeDirectory(['d'])
    alice.disk().write(['d', 'f'], 'one')
    await meet()
    const [key] = [...alice.content.places.keys()]
    alice.disk().rename(['d'], ['e'])
    await meet()
    expect(alice.folders.locate(key ?? '')).toEqual({ folder: 'home', names: ['e', 'f'] })
    alice.disk().write(['e', 'f'], 'two')
    await meet()
    expect(alice.folders.locate(key ?? '')).toBeUndefined()
    expect(alice.content.places.has(key ?? '')).toBe(false)
    expect(alice.content.places.size).toBe(1)
  })
})

describe('settle time', () => {
  it('sends a finished file in well under a second, and one that is written to only when it is still', async () => {
    const { alice, clock } = await cluster()
    await settle([alice], clock)
    alice.disk().write(['done'], 'one')
    for (let at = 0; at < 20; at += 1) {
      alice.disk().write(['growing'], 'x'.repeat(at + 1))
      await clock.pass(20, 10)
    }
    expect(alice.store.lookup('done')).toBeDefined()
    expect(alice.store.lookup('growing')).toBeUndefined()
    await settle([alice], clock)
    expect(alice.store.lookup('growing')?.file?.size).toBe(20)
  })
})
