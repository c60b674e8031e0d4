import { describe, expect, it } from 'vitest'
import { describeDisk, differences, exchange, settle, settleAll } from './simulation/cluster.ts'
import { refOf } from './simulation/memory-content.ts'
import { failure } from './simulation/memory-disk.ts'
import { SimulatedDevice } from './simulation/simulated-device.ts'
import { VirtualClock } from './simulation/virtual-clock.ts'

async function pair() {
  const clock = new VirtualClock()
  const devices = ['alice', 'bob'].map(
    (name) => new SimulatedDevice({ name, seed: 1, clock, folders: [{ id: 'home', path: '' }] }),
  ) as [SimulatedDevice, SimulatedDevice]
  for (const device of devices) {
    await device.openStore()
    await device.start()
  }
  const [alice, bob] = devices
  const agree = async () => {
    expect(await settleAll(devices, clock)).toEqual([])
    for (const device of devices) expect(await differences(device)).toEqual([])
    expect(describeDisk(alice.disk())).toEqual(describeDisk(bob.disk()))
  }
  const settleBoth = () => settle(devices, clock)
  return { alice, bob, clock, agree, settleBoth }
}

const paths = (device: SimulatedDevice) => [...describeDisk(device.disk()).keys()].sort()

describe('a live folder on two devices', () => {
  it('brings files, directories and links to the other side, and keeps what is edited', async () => {
    const { alice, bob, agree } = await pair()
    alice.disk().makeDirectory(['d'])
    alice.disk().write(['d', 'f'], 'one')
    alice.disk().makeDirectory(['empty'])
    alice.disk().put(['link'], { kind: 'symlink', text: 'd/f', mode: 0o777, mtimeNs: 5n })
    await agree()
    expect(bob.disk().at(['d', 'f'])?.text).toBe('one')
    bob.disk().write(['d', 'f'], 'two')
    await agree()
    expect(alice.disk().at(['d', 'f'])?.text).toBe('two')
    bob.disk().remove(['d'])
    await agree()
    expect(paths(alice)).toEqual(['empty', 'link'])
  })

  it('takes content that comes while it is asked whether it is there', async () => {
    const { alice, bob, settleBoth } = await pair()
    alice.disk().write(['f'], 'text')
    await settleBoth()
    const areHeld = bob.content.areHeld.bind(bob.content)
    bob.content.areHeld = async (files) => {
      const held = await areHeld(files)
      bob.content.fetch(refOf('text'), alice.content)
      return held
    }
    for (const message of await alice.store.receive(bob.store.hello(), bob.key, true)) {
      await bob.store.receive(message, alice.key, true)
    }
    await settleBoth()
    expect(paths(bob)).toEqual(['f'])
  })

  it('knows a directory that was moved to where another is about to be made', async () => {
    const { alice, bob, agree } = await pair()
    alice.disk().makeDirectory(['d'])
    alice.disk().write(['d', 'f'], 'in d')
    await agree()
    let isMoved = false
    bob.hook = (call, names) => {
      if (isMoved || call !== 'makeDirectory' || names[0] !== 'b') return
      isMoved = true
      bob.disk().rename(['d'], ['b'])
    }
    alice.disk().makeDirectory(['b'])
    alice.disk().write(['b', 'g'], 'in b')
    await agree()
    expect(isMoved).toBe(true)
    expect(paths(alice)).toEqual(['b', 'b/f', 'b/g'])
  })

  it('removes what could not be moved to a directory that was deleted then', async () => {
    const { alice, bob, clock, agree } = await pair()
    for (const name of ['a', 'd']) alice.disk().makeDirectory([name])
    await agree()
    let isRefused = true
    bob.hook = (call, names) => {
      if (isRefused && call === 'rename' && names[0] === 'a') throw failure('DITTO_PERMISSION')
    }
    alice.disk().rename(['a'], ['d', 'a'])
    expect(await settleAll([alice, bob], clock)).toEqual([])
    expect(paths(bob)).toEqual(['a', 'd'])
    alice.disk().remove(['d'])
    expect(await settleAll([alice, bob], clock)).toEqual([])
    isRefused = false
    for (let second = 0; second < 60; second += 1) await clock.pass(1000)
    expect([paths(alice), paths(bob)]).toEqual([[], []])
  })

  it('moves a directory with one rename, also when something in it was edited on the other side', async () => {
    const { alice, bob, agree, settleBoth } = await pair()
    alice.disk().makeDirectory(['d'])
    for (let at = 0; at < 50; at += 1) alice.disk().write(['d', `f${at}`], `text ${at}`)
    await agree()
    const moved = bob.disk().at(['d'])
    alice.disk().rename(['d'], ['e'])
    bob.disk().write(['d', 'f7'], 'edited')
    await settleBoth()
    await exchange(alice, bob)
    await agree()
    expect(bob.disk().at(['e'])).toBe(moved)
    expect(alice.disk().at(['e', 'f7'])?.text).toBe('edited')
    expect(bob.fileSystems.get('home')?.calls('rename')).toBe(1)
    expect(paths(bob)).toHaveLength(51)
  })

  it('keeps both versions of a file that was edited on both sides', async () => {
    const { alice, bob, agree, settleBoth } = await pair()
    alice.disk().write(['f'], 'base')
    await agree()
    alice.disk().write(['f'], 'of alice')
    bob.disk().write(['f'], 'of bob')
    await settleBoth()
    await agree()
    const texts = [...alice.disk().files()].map(({ inode }) => inode.text)
    expect(texts).toEqual(expect.arrayContaining(['of alice', 'of bob']))
    expect(paths(alice)).toHaveLength(2)
  })

  it('keeps a file that was edited against its deletion', async () => {
    const { alice, bob, agree, settleBoth } = await pair()
    alice.disk().makeDirectory(['d'])
    alice.disk().write(['d', 'f'], 'base')
    alice.disk().write(['d', 'g'], 'other')
    await agree()
    alice.disk().remove(['d'])
    bob.disk().write(['d', 'f'], 'edited')
    await settleBoth()
    await agree()
    expect(paths(alice)).toEqual(['d', 'd/f'])
  })

  it('exchanges two names', async () => {
    const { alice, bob, agree } = await pair()
    alice.disk().write(['a'], 'one')
    alice.disk().write(['b'], 'two')
    await agree()
    const inode = bob.disk().at(['a'])
    alice.disk().rename(['a'], ['t'])
    alice.disk().rename(['b'], ['a'])
    alice.disk().rename(['t'], ['b'])
    await agree()
    expect(bob.disk().at(['b'])).toBe(inode)
    expect(bob.disk().at(['a'])?.text).toBe('two')
  })

  it('gives a file its name back when the last that lived in a deleted directory of that name is moved out', async () => {
    const { alice, bob, agree, settleBoth } = await pair()
    alice.disk().makeDirectory(['d'])
    await agree()
    bob.disk().write(['d', 'x'], 'made meanwhile')
    alice.disk().remove(['d'])
    await settleBoth()
    alice.disk().write(['d'], 'a file')
    await settleBoth()
    await agree()
    expect(paths(alice)).toEqual(['d', 'd (conflict from D5BF, 2027-01-15 080000)', 'd/x'])
    bob.disk().rename(['d', 'x'], ['y'])
    await agree()
    expect(paths(alice)).toEqual(['d', 'y'])
    expect(alice.disk().at(['d'])?.text).toBe('a file')
  })

  it('deletes a conflict copy, also when it shows by its own name by the time that is told', async () => {
    const { alice, bob, agree, settleBoth } = await pair()
    alice.disk().write(['d.old'], 'a file')
    bob.disk().makeDirectory(['d.old'])
    await settleBoth()
    // Bob has not heard of the file, so that he leaves it the name.
    for (const message of await bob.store.receive(alice.store.hello(), alice.key, true)) {
      await alice.store.receive(message, bob.key, true)
    }
    await settleBoth()
    const copy = paths(alice).find((path) => path.startsWith('d (conflict from ')) as string
    expect(paths(alice)).toEqual([copy, 'd.old'])
    bob.disk().rename(['d.old'], ['e'])
    await settleBoth()
    alice.disk().remove([copy])
    await agree()
    expect(paths(bob)).toEqual(['e'])
  })

  it('keeps what was made in a directory that both deleted, where one disk had not got it', async () => {
    const { alice, bob, agree, settleBoth } = await pair()
    alice.disk().makeDirectory(['d'])
    await agree()
    bob.hook = (call) => {
      if (call === 'makeDirectory') throw failure('DITTO_NO_SPACE')
    }
    alice.disk().makeDirectory(['d', 'e'])
    alice.disk().write(['d', 'e', 'f'], 'made by alice')
    await settleBoth()
    await exchange(alice, bob)
    await settleBoth()
    expect(paths(bob)).toEqual(['d'])
    for (const device of [alice, bob]) device.disk().remove(['d'])
    await settleBoth()
    bob.hook = () => undefined
    await agree()
    expect(paths(alice)).toEqual(['d', 'd/e', 'd/e/f'])
  })

  it.each([
    ['a', 'b'],
    ['b', 'a'],
  ])('finds what was made in %s, which gets its name exchanged before the file was still', async (name, other) => {
    const { alice, bob, agree, settleBoth } = await pair()
    for (const directory of ['a', 'b']) alice.disk().makeDirectory([directory])
    await agree()
    bob.disk().rename(['a'], ['t'])
    bob.disk().rename(['b'], ['a'])
    bob.disk().rename(['t'], ['b'])
    await settleBoth()
    alice.disk().write([name, 'new'], 'made meanwhile')
    await agree()
    expect(bob.disk().at([other, 'new'])?.text).toBe('made meanwhile')
  })

  it('moves an edited file to a name that somebody here kept from becoming free', async () => {
    const { alice, bob, agree, settleBoth } = await pair()
    alice.disk().write(['x'], 'one')
    alice.disk().write(['y'], 'two')
    await agree()
    bob.disk().rename(['y'], ['z'])
    bob.disk().rename(['x'], ['y'])
    bob.disk().write(['y'], 'one, edited')
    bob.disk().write(['z'], 'two, edited')
    await settleBoth()
    let isTouched = false
    alice.hook = (call, names) => {
      if (isTouched || call !== 'rename' || names[0] !== 'y') return
      isTouched = true
      alice.disk().setAttributes(['y'], { mode: 0o600 })
    }
    await agree()
    expect(isTouched).toBe(true)
    expect(paths(alice)).toEqual(['y', 'z'])
    expect(alice.disk().at(['y'])?.text).toBe('one, edited')
    expect(alice.disk().at(['z'])?.text).toBe('two, edited')
  })

  it('gives back the places of files that turn out to hold what was known of them', async () => {
    const { alice, agree } = await pair()
    for (const name of ['a', 'b', 'c']) alice.disk().write([name], name)
    await agree()
    const keys = alice.content.keys()
    alice.disk().setAttributes(['a'], { mtimeNs: 5n })
    alice.disk().rename(['b'], ['d'])
    alice.disk().write(['c'], 'changed')
    await agree()
    // The one that was changed has another.
    expect(alice.content.keys()).toHaveLength(3)
    expect(alice.content.keys().filter((key) => !keys.includes(key))).toHaveLength(1)
    expect(alice.content.keys()).toEqual([...alice.content.places.keys()].sort())
  })

  describe('that stopped after it had sent something and before it had written that down', () => {
    async function stopped(path: string, meanwhile: (disk: ReturnType<SimulatedDevice['disk']>) => void) {
      const { alice, bob, agree, settleBoth } = await pair()
      alice.disk().write(['old'], 'as it was')
      await agree()
      alice.loseBase()
      alice.disk().write([path], 'sent')
      alice.disk().flush()
      await settleBoth()
      expect(alice.store.lookup(path)?.file?.size).toBe('sent'.length)
      await alice.crash(() => meanwhile(alice.disk()))
      await agree()
      return { alice, bob }
    }

    it.each(['old', 'new'])('takes what came to stand there for a version of it (%s)', async (path) => {
      const { bob } = await stopped(path, (disk) => disk.write([path], 'written over'))
      expect(bob.disk().at([path])?.text).toBe('written over')
      expect(paths(bob)).toEqual([...new Set(['old', path])].sort())
    })

    it.each(['old', 'new'])('takes its removal for a removal (%s)', async (path) => {
      const { bob } = await stopped(path, (disk) => disk.remove([path]))
      expect(paths(bob)).toEqual(path === 'old' ? [] : ['old'])
    })

    it.each(['old', 'new'])('takes its move for a move, also when it was changed as well (%s)', async (path) => {
      const { bob } = await stopped(path, (disk) => {
        disk.rename([path], ['elsewhere'])
        disk.write(['elsewhere'], 'changed')
      })
      expect(paths(bob)).toEqual(path === 'old' ? ['elsewhere'] : ['elsewhere', 'old'])
      expect(bob.disk().at(['elsewhere'])?.text).toBe('changed')
    })

    it.each(['old', 'new'])('finds its bytes under the key that they were taken with (%s)', async (path) => {
      const { alice } = await stopped(path, () => undefined)
      const { content, folders } = alice
      expect(content.keys()).toEqual([...content.places.keys()].sort())
      const found = content.keys().map((key) => folders.locate(key)?.names.join('/'))
      expect(found.sort()).toEqual([...new Set(['old', path])].sort())
    })

    it('knows a directory that it had made', async () => {
      const { alice, bob, agree, settleBoth } = await pair()
      await agree()
      alice.loseBase()
      alice.disk().makeDirectory(['d'])
      alice.disk().write(['d', 'f'], 'sent')
      alice.disk().flush()
      await settleBoth()
      await alice.crash(() => alice.disk().remove(['d']))
      await agree()
      expect(paths(bob)).toEqual([])
    })
  })
})
