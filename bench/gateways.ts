import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { benchDevice } from './bench-device.ts'
import { directorySide } from './directory-side.ts'
import { GATEWAY_WORKS, type GatewaySide, type GatewayWork, rateOf, unitOf, type WorkSize } from './gateway-side.ts'
import { nfsSide } from './nfs-side.ts'
import { hasRclone, rcloneServer } from './rclone-server.ts'
import type { BenchSubject, Samples } from './subject.ts'
import type { BenchRow } from './table.ts'
import { webdavSide } from './webdav-side.ts'

type Sides = Readonly<Record<string, GatewaySide>>

const PROTOCOLS = [
  { side: 'nfs', name: 'NFS', local: 'directory' },
  { side: 'webdav', name: 'WebDAV', local: 'files' },
] as const

const NAMES: Readonly<Record<GatewayWork, string>> = {
  write: 'one file written in order, durable at its end',
  read: 'read in order',
  smallWrite: '4 KiB written anywhere',
  smallRead: '4 KiB read anywhere',
  create: 'empty files created, durable each',
  stat: 'looked up by name, with attributes',
  list: 'listed with attributes, entries',
  remove: 'removed',
}

/**
 * A space of a daemon over both gateways, beside a local directory and rclone's WebDAV server on the same disk. The sides
 * take turns work by work, so that what else the machine does meets all of them.
 */
export function gateways(size: WorkSize): BenchSubject {
  return {
    name: 'gateways',
    measure: async (directory) => {
      const found: Record<string, number> = {}
      await withSides(directory, async (sides) => {
        for (const work of GATEWAY_WORKS) {
          for (const [name, side] of Object.entries(sides)) {
            const ms = await side.run(work, size)
            if (ms !== undefined) found[`${name} ${work}`] = rateOf(work, size, ms)
          }
        }
      })
      return found
    },
    rows: (samples) => PROTOCOLS.flatMap((one) => GATEWAY_WORKS.map((work) => rowOf(one, work, samples))),
  }
}

function rowOf({ side, name, local }: (typeof PROTOCOLS)[number], work: GatewayWork, samples: Samples): BenchRow {
  const { of, ratio } = samples
  const key = `${side} ${work}`
  const rate = (of: number) => `${of.toFixed(0)} ${unitOf(work)}`
  // Over WebDAV a file is written whole: nothing to compare a write into one with.
  const isBesideRclone = hasRclone() && !(side === 'nfs' && work === 'smallWrite')
  const what = side === 'webdav' && work === 'smallWrite' ? 'new files of 4 KiB, durable each' : NAMES[work]
  const beside = `directory: ${rate(of(`${local} ${work}`))}`
  const localRatio = ratio(key, `${local} ${work}`).toFixed(2)
  return {
    work: `${name}: ${what}`,
    measured: rate(of(key)),
    baseline: isBesideRclone ? `rclone: ${rate(of(`rclone ${work}`))}; ${beside}` : beside,
    ratio: isBesideRclone ? `${ratio(key, `rclone ${work}`).toFixed(2)}; ${localRatio}` : localRatio,
    aim: isBesideRclone ? 'over 1' : '',
  }
}

async function withSides(directory: string, use: (sides: Sides) => Promise<void>): Promise<void> {
  const device = benchDevice(directory, 'alice')
  const folder = async (name: string): Promise<string> => {
    const made = path.join(directory, name)
    await mkdir(made)
    return made
  }
  await device.start()
  try {
    const nfs = new URL((await device.json<{ url: string }>('serve', 'nfs', '--port', '0', '--keep')).url)
    const { url } = await device.json<{ url: string }>('serve', 'webdav', '--port', '0', '--keep')
    const rclone = hasRclone() ? await rcloneServer(await folder('rclone')) : undefined
    const sides: Sides = {
      webdav: await webdavSide(url),
      ...(rclone !== undefined && { rclone: await webdavSide(rclone.url) }),
      nfs: await nfsSide(Number(nfs.searchParams.get('nfsport')), nfs.pathname),
      directory: await directorySide(await folder('directory')),
      files: await directorySide(await folder('files'), true),
    }
    try {
      await use(sides)
    } finally {
      await Promise.all(Object.values(sides).map((side) => side.close()))
      await rclone?.stop()
    }
  } finally {
    await device.stop()
  }
}
