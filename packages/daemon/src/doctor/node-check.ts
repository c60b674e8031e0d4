import type { Check } from '@dittofs/interface'

/** The oldest Node.js that is tested. */
const OLDEST = [20, 20] as const

/** Whether this Node.js is one that the program was tested with. @param version - as `20.20.1` */
export function nodeCheck(version: string): Check {
  return {
    name: 'node',
    run: async () => {
      const [major = 0, minor = 0] = version.split('.').map(Number)
      const isOldEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])
      return [
        isOldEnough
          ? { level: 'ok', text: `Node.js ${version} is supported.` }
          : { level: 'problem', text: `Node.js ${version} is too old; install version ${OLDEST.join('.')} or newer.` },
      ]
    },
  }
}
