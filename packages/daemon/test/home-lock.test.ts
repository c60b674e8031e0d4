import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it } from 'vitest'
import { openHome } from '../src/home/home.ts'
import { lockHome } from '../src/home/home-lock.ts'

/** Another process that takes LevelDB's lock as `lockHome` does and holds it until it is killed. */
async function holdInAnotherProcess(lock: string) {
  const level = fileURLToPath(import.meta.resolve('level'))
  const child = spawn(
    process.execPath,
    [
      '-e',
      `const {Level}=require(${JSON.stringify(level)});new Level(${JSON.stringify(lock)}).open().then(()=>{console.log('held');setInterval(()=>{},1e6)})`,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  )
  await once(child.stdout, 'data')
  return child
}

describe('lockHome', () => {
  it('says which process holds the home', async () => {
    const home = await openHome(await temporaryDirectory())
    const lock = await lockHome(home)
    await expect(lockHome(home)).rejects.toMatchObject({
      code: 'DITTO_HOME_LOCKED',
      details: { pid: process.pid, home: home.path },
      message: expect.stringContaining(`process ${process.pid}`) as string,
    })
    await lock.release()
  })

  it('is free again after release', async () => {
    const home = await openHome(await temporaryDirectory())
    await (await lockHome(home)).release()
    await (await lockHome(home)).release()
  })

  it('keeps other processes out, and is free as soon as a killed holder is gone', async () => {
    const home = await openHome(await temporaryDirectory())
    const holder = await holdInAnotherProcess(path.join(home.run, 'lock'))
    await writeFile(path.join(home.run, 'holder'), `${holder.pid}\n`)
    await expect(lockHome(home)).rejects.toMatchObject({ code: 'DITTO_HOME_LOCKED', details: { pid: holder.pid } })
    holder.kill('SIGKILL')
    await once(holder, 'exit')
    await (await lockHome(home)).release()
  })

  it('grants the lock to exactly one of many that ask at once', async () => {
    const home = await openHome(await temporaryDirectory())
    const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => lockHome(home)))
    const granted = outcomes.filter((outcome) => outcome.status === 'fulfilled')
    expect(granted).toHaveLength(1)
    for (const outcome of granted) await outcome.value.release()
  })

  it('makes good the files of a lock that a power cut tore', async () => {
    const home = await openHome(await temporaryDirectory())
    await (await lockHome(home)).release()
    await writeFile(path.join(home.run, 'lock', 'CURRENT'), 'torn')
    await (await lockHome(home)).release()
  })
})
