import { execFile } from 'node:child_process'
import type { FirewallRules } from './find-drops.ts'

const TIMEOUT_MS = 5000
const MAX_OUTPUT_BYTES = 16 * 1024 * 1024

/** Asks `nft`, else `iptables`, for its rules; `undefined` where neither is there or this user may not ask. */
export async function readFirewall(): Promise<FirewallRules | undefined> {
  const json = await outputOf('nft', ['-j', 'list', 'ruleset'])
  if (json !== undefined) {
    try {
      return { kind: 'nft', json: JSON.parse(json) as unknown }
    } catch {
      return undefined
    }
  }
  const text = await outputOf('iptables', ['-S'])
  return text === undefined ? undefined : { kind: 'iptables', text }
}

/** By its fixed places, not by what the environment calls a path: doctor may be run as root. */
const PLACES = ['/usr/sbin', '/sbin', '/usr/bin']

async function outputOf(program: string, words: readonly string[]): Promise<string | undefined> {
  for (const place of PLACES) {
    const output = await new Promise<string | undefined>((resolve) => {
      execFile(`${place}/${program}`, words, { timeout: TIMEOUT_MS, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout) =>
        resolve(error === null ? stdout : undefined),
      )
    })
    if (output !== undefined) return output
  }
  return undefined
}
