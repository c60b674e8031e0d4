import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { temporaryDirectory } from '@dittofs/testing'
import { onTestFinished } from 'vitest'
import type { DeviceInit } from '../../src/device-init.ts'
import { openDevice } from '../../src/open-device.ts'

/** A device that is closed when the test ends, in a new home unless one is given. */
export async function openLocal(init: Partial<DeviceInit> = {}) {
  const home = init.home ?? path.join(await temporaryDirectory(), 'home')
  const device = await openDevice({ ...init, home })
  onTestFinished(() => device.close())
  return device
}

/** A home that has these settings and nothing else yet. */
export async function homeWith(config: string): Promise<string> {
  const home = path.join(await temporaryDirectory(), 'home')
  await mkdir(home, { mode: 0o700 })
  await writeFile(path.join(home, 'config.toml'), config)
  return home
}

/** A directory with the files named, by path; directories are made as needed. */
export async function makeFiles(files: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const directory = path.join(await temporaryDirectory(), 'tree')
  await mkdir(directory)
  for (const [name, content] of Object.entries(files)) {
    await mkdir(path.dirname(path.join(directory, name)), { recursive: true })
    await writeFile(path.join(directory, name), content)
  }
  return directory
}
