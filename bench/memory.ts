import { readFile } from 'node:fs/promises'

/** Resident bytes of a process now, and at most since its start (Linux: proc(5), VmRSS and VmHWM). */
export async function residentBytes(pid: number): Promise<{ now: number; peak: number }> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8')
  const field = (name: string): number => {
    const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(status)
    if (match === null) throw new Error(`no ${name} in the status of process ${pid}`)
    return Number(match[1]) * 1024
  }
  return { now: field('VmRSS'), peak: field('VmHWM') }
}
