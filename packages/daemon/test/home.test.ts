import { chmod, chown, lstat, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { defaultHome, openHome } from '../src/home/home.ts'
import { asOtherUser, canChangeUser } from './support/as-other-user.ts'

describe('openHome', () => {
  it('makes the home and its directories for the owner alone', async () => {
    const home = await openHome(path.join(await temporaryDirectory(), 'deep', 'home'))
    for (const place of [home.path, home.identity, home.chunks, home.spaces, home.spool, home.run, home.logs]) {
      expect((await stat(place)).mode & 0o777).toBe(0o700)
    }
    expect(home.repairs).toEqual([])
  })

  it('narrows modes that let others in, and says so', async () => {
    const directory = await temporaryDirectory()
    await openHome(directory)
    await chmod(path.join(directory, 'identity'), 0o755)
    const home = await openHome(directory)
    expect((await stat(home.identity)).mode & 0o777).toBe(0o700)
    expect(home.repairs).toEqual([expect.stringContaining('identity')])
  })

  it.each(['run', 'identity'])('refuses a home whose %s is a symlink, and leaves its target alone', async (name) => {
    const directory = await temporaryDirectory()
    const elsewhere = await temporaryDirectory()
    await chmod(elsewhere, 0o755)
    await symlink(elsewhere, path.join(directory, name))
    await expect(openHome(directory)).rejects.toMatchObject({ code: 'DITTO_HOME_UNSAFE' })
    expect((await lstat(elsewhere)).mode & 0o777).toBe(0o755)
  })

  it('takes a home that is itself a symlink of the user', async () => {
    const directory = await temporaryDirectory()
    await mkdir(path.join(directory, 'real'))
    await symlink('real', path.join(directory, 'home'))
    expect((await openHome(path.join(directory, 'home'))).path).toBe(path.join(directory, 'real'))
  })

  it('refuses a file in place of a directory', async () => {
    const directory = await temporaryDirectory()
    await writeFile(path.join(directory, 'chunks'), '')
    await expect(openHome(directory)).rejects.toMatchObject({ code: 'DITTO_HOME_UNSAFE' })
  })

  it('says that it cannot be made below a file', async () => {
    const file = path.join(await temporaryDirectory(), 'file')
    await writeFile(file, '')
    await expect(openHome(path.join(file, 'home'))).rejects.toMatchObject({ code: 'DITTO_IO' })
  })

  it.skipIf(!canChangeUser)('refuses a home of another user (needs root to make one)', async () => {
    const directory = await temporaryDirectory()
    await chown(directory, 65_534, 65_534)
    await expect(openHome(directory)).rejects.toMatchObject({ code: 'DITTO_HOME_UNSAFE' })
  })

  it.skipIf(!canChangeUser)(
    'says in one sentence that it may not write (needs root to become another user)',
    async () => {
      const directory = await temporaryDirectory()
      await chmod(directory, 0o755)
      await asOtherUser(async () => {
        await expect(openHome(path.join(directory, 'home'))).rejects.toMatchObject({
          code: 'DITTO_PERMISSION',
          message: `Cannot use ${JSON.stringify(path.join(directory, 'home'))} as the home of a device: this user may not access it.`,
        })
      })
      await rm(path.join(directory, 'home'), { force: true })
    },
  )
})

describe('defaultHome', () => {
  it('is DITTOFS_HOME, or .dittofs in the home directory of the user', () => {
    expect(defaultHome({ DITTOFS_HOME: '/srv/ditto/' })).toBe('/srv/ditto')
    expect(path.basename(defaultHome({ DITTOFS_HOME: '' }))).toBe('.dittofs')
  })
})
