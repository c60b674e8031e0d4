import { once } from 'node:events'
import { readFile, unlink, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import path from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { Gateway, VolumeExport } from '@dittofs/interface'
import { pseudoRandomBytes, temporaryDirectory } from '@dittofs/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openDevice } from '../../src/open-device.ts'

const PAGE = fileURLToPath(new URL('../../../../docs/gateways.md', import.meta.url))
const MAX_LINES = 100

/** The example of the page, as it stands. */
async function exampleOfPage(): Promise<new (served: VolumeExport) => Gateway> {
  const code = /```ts\n(.*?)```/s.exec(await readFile(PAGE, 'utf8'))?.[1]
  if (code === undefined) throw new Error('docs/gateways.md has no code')
  expect(code.split('\n').length - 1).toBeLessThanOrEqual(MAX_LINES)
  const module = fileURLToPath(new URL('./gateways-page.generated.ts', import.meta.url))
  await writeFile(module, code)
  onTestFinished(() => unlink(module))
  const { LineGateway } = (await import(pathToFileURL(module).href)) as {
    LineGateway: new (served: VolumeExport) => Gateway
  }
  return LineGateway
}

describe('the gateway in docs/gateways.md', () => {
  it('lists and reads a space, beside the gateways that are built in', async () => {
    const LineGateway = await exampleOfPage()
    const directory = await temporaryDirectory()
    const device = await openDevice({ home: path.join(directory, 'home') })
    onTestFinished(() => device.close())
    const film = Buffer.from(pseudoRandomBytes(1, 1_000_000))
    await writeFile(path.join(directory, 'film.mp4'), film)
    await device.add([path.join(directory, 'film.mp4')], { as: 'our films/film.mp4' })

    const gateway = new LineGateway({ name: 'home', volume: await device.volume(), isReadOnly: true })
    const address = await gateway.serve()
    expect(gateway).toMatchObject({ protocol: 'line', address, connections: 0 })
    const socket = connect(address)
    let answers = Buffer.alloc(0)
    socket.on('data', (bytes: Buffer) => {
      answers = Buffer.concat([answers, bytes])
    })
    const lines = [
      'LIST ',
      'LIST our films',
      'GET our films/film.mp4',
      'GET none',
      'LIST our films/film.mp4',
      'PUT x',
      '',
    ]
    socket.write(lines.join('\n'))
    const end = 'ERROR DITTO_NOT_FOUND\nERROR DITTO_NOT_DIRECTORY\nERROR DITTO_USAGE\n'
    await expect.poll(() => answers.subarray(-end.length).toString()).toBe(end)
    const begin = 'directory 0 our films\n.\nfile 1000000 film.mp4\n.\nOK 1000000\n'
    expect(answers.subarray(0, begin.length).toString()).toBe(begin)
    expect(answers.subarray(begin.length, -end.length).equals(film)).toBe(true)
    expect(gateway.connections).toBe(1)

    await Promise.all([gateway.stop(), once(socket, 'close')])
    expect(gateway.address).toBeUndefined()
  })
})
