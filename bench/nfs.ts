import { fork } from 'node:child_process'
import path from 'node:path'
import { directorySide } from './directory-side.ts'
import { GATEWAY_WORKS, type GatewaySide, rateOf, unitOf, type WorkSize } from './gateway-side.ts'
import { nfsSide } from './nfs-side.ts'
import { withScratch } from './scratch.ts'
import { type BenchRow, median } from './table.ts'

const SERVER = path.resolve('bench/nfs-server.mjs')

export interface NfsBenchInit extends WorkSize {
  repeat: number
}

const NAMES = {
  write: 'write in order, 1 MiB a call, then commit',
  read: 'read in order, 1 MiB a call',
  smallWrite: 'write 4 KiB anywhere',
  smallRead: 'read 4 KiB anywhere',
  create: 'create',
  stat: 'stat',
  list: 'list with attributes, entries',
  remove: 'remove',
} as const

/** NFS over loopback to a volume in the memory of another process, beside the same work in a local directory. */
export async function nfsRows(init: NfsBenchInit): Promise<BenchRow[]> {
  const measured: number[][] = []
  const baseline: number[][] = []
  for (let i = 0; i < init.repeat; i++) {
    process.stderr.write(`bench: NFS, run ${i + 1} of ${init.repeat}\n`)
    measured.push(await overNfs(init))
    baseline.push(await withScratch(async (folder) => ratesOf(await directorySide(folder), init)))
  }
  return GATEWAY_WORKS.map((work, index) => {
    const rate = median(measured.map((rates) => rates[index]!))
    const local = median(baseline.map((rates) => rates[index]!))
    return {
      work: `NFS: ${NAMES[work]}`,
      measured: `${rate.toFixed(0)} ${unitOf(work)}`,
      baseline: `local directory: ${local.toFixed(0)} ${unitOf(work)}`,
      ratio: (rate / local).toFixed(2),
      aim: '',
    }
  })
}

async function ratesOf(side: GatewaySide, size: WorkSize): Promise<number[]> {
  const rates: number[] = []
  for (const work of GATEWAY_WORKS) {
    const ms = await side.run(work, size)
    rates.push(ms === undefined ? Number.NaN : rateOf(work, size, ms))
  }
  await side.close()
  return rates
}

async function overNfs(init: NfsBenchInit): Promise<number[]> {
  const server = fork(SERVER, { execArgv: [] })
  try {
    const { port } = await new Promise<{ port: number }>((resolve, reject) => {
      server.once('message', (message) => resolve(message as { port: number }))
      server.once('exit', (code) => reject(new Error(`the NFS server ended with ${code}`)))
    })
    return await ratesOf(await nfsSide(port, '/bench'), init)
  } finally {
    server.kill('SIGKILL')
  }
}
