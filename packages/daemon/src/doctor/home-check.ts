import type { Stats } from 'node:fs'
import { lstat, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Check, Finding } from '@dittofs/interface'

const OTHERS = 0o077

/** Whether only its owner can read or redirect what is in the home. */
export function homeCheck(home: string): Check {
  return {
    name: 'home',
    run: async () => {
      const root = await stat(home).catch((error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT') return undefined
        throw error
      })
      if (root === undefined) {
        return [{ level: 'ok', text: `No device is at ${JSON.stringify(home)} yet; the first command makes one.` }]
      }
      const findings = judge(home, root)
      if (findings.length === 0) {
        for (const name of await readdir(home)) {
          const place = path.join(home, name)
          findings.push(...judgeInside(place, await lstat(place)))
          if (name !== 'identity') continue
          for (const key of await readdir(place)) {
            findings.push(...judge(path.join(place, key), await lstat(path.join(place, key))))
          }
        }
      }
      return findings.length > 0
        ? findings
        : [{ level: 'ok', text: `Only its owner can read the home ${JSON.stringify(home)}.` }]
    },
  }
}

/** Directories of the home; other files in it are guarded by the home itself. */
function judgeInside(place: string, found: Stats): Finding[] {
  if (found.isSymbolicLink()) {
    return [{ level: 'problem', text: `${JSON.stringify(place)} is a symlink; replace it with what it leads to.` }]
  }
  return found.isDirectory() ? judge(place, found) : []
}

function judge(place: string, found: Stats): Finding[] {
  const shown = JSON.stringify(place)
  // Windows has neither owners by number nor modes.
  const user = process.geteuid?.()
  if (user === undefined) return []
  if (found.uid !== user) {
    return [{ level: 'problem', text: `${shown} belongs to another user; run as that user, or choose another home.` }]
  }
  if ((found.mode & OTHERS) === 0) return []
  const mode = found.isDirectory() ? '700' : '600'
  return [{ level: 'problem', text: `Others can read ${shown}; run: chmod ${mode} ${shown}` }]
}
