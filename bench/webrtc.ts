import { type ChildProcess, fork } from 'node:child_process'
import path from 'node:path'
import { type BenchRow, median } from './table.ts'

const PEER = path.resolve('bench/webrtc-peer.mjs')
/** 0 is one association of bare werift: what the others are compared to. */
const ASSOCIATIONS = [0, 1, 2, 4] as const
const MIB = 1024 ** 2

interface Arrival {
  /** From the first byte to the last, at the receiver. */
  readonly ms: number
  /** Processor time of the receiver meanwhile: what other work on the machine changes little. */
  readonly cpuMs: number
  /** The receiver's largest resident memory, in bytes. */
  readonly peak: number
}

/** WebRTC over loopback, with a delay of each datagram where one is given, between two processes: bare werift, then this transport over 1, 2 and 4 associations. */
export async function webrtcRows(init: { bytes: number; repeat: number; delayMs: number }): Promise<BenchRow[]> {
  const { bytes, repeat, delayMs } = init
  const runs = ASSOCIATIONS.map((): Arrival[] => [])
  for (let i = 0; i < repeat; i++) {
    process.stderr.write(`bench: WebRTC, run ${i + 1} of ${repeat}\n`)
    for (const [index, associations] of ASSOCIATIONS.entries()) {
      ;(runs[index] as Arrival[]).push(await transfer(associations, bytes, delayMs))
    }
  }
  const rate = (index: number) => median((runs[index] as Arrival[]).map(({ ms }) => bytes / MIB / (ms / 1000)))
  const peak = (index: number) => median((runs[index] as Arrival[]).map((arrival) => arrival.peak / MIB))
  const cpu = (index: number) => median((runs[index] as Arrival[]).map(({ cpuMs }) => cpuMs / (bytes / MIB)))
  return ASSOCIATIONS.slice(1).map((associations, index) => ({
    work: `WebRTC, ${delayMs === 0 ? 'loopback' : `${2 * delayMs} ms of round trip`}, ${bytes / MIB} MiB over ${associations} association${associations === 1 ? '' : 's'}`,
    measured: `${rate(index + 1).toFixed(1)} MiB/s, receiver at most ${peak(index + 1).toFixed(0)} MiB, ${cpu(index + 1).toFixed(0)} ms of processor for each`,
    baseline: `one of bare werift: ${rate(0).toFixed(1)} MiB/s, ${peak(0).toFixed(0)} MiB, ${cpu(0).toFixed(0)} ms`,
    ratio: (rate(index + 1) / rate(0)).toFixed(2),
    aim: associations === 1 && delayMs === 0 ? 'at least 1.5' : '',
  }))
}

async function transfer(associations: number, bytes: number, delayMs: number): Promise<Arrival> {
  const start = (role: string) => fork(PEER, [role, `${associations}`, `${bytes}`, `${delayMs}`], { execArgv: [] })
  const [receiver, sender] = [start('receive'), start('send')]
  try {
    return await new Promise<Arrival>((resolve, reject) => {
      relay(receiver, sender, resolve)
      relay(sender, receiver, resolve)
      for (const child of [receiver, sender])
        child.once('exit', (code) => reject(new Error(`a peer ended with ${code}`)))
    })
  } finally {
    for (const child of [receiver, sender]) child.kill('SIGKILL')
  }
}

function relay(from: ChildProcess, to: ChildProcess, onArrival: (arrival: Arrival) => void): void {
  from.on('message', (message: object) => {
    if ('signal' in message) to.send(message)
    else onArrival(message as Arrival)
  })
}
