import { createRequire } from 'node:module'
import path from 'node:path'
import { rolldown } from 'rolldown'

const here = (name: string) => path.join(import.meta.dirname, name)

/** The package, for which the slash stands: without it Node means its own module. */
const BUFFER = createRequire(import.meta.url).resolve('buffer/')

/** The page's script: our signaling client and wire format as they are, with the browser's means in place of Node's. */
export async function bundlePage(): Promise<string> {
  const bundle = await rolldown({
    input: here('page.mjs'),
    platform: 'browser',
    resolve: {
      conditionNames: ['@dittofs/source', 'browser', 'import'],
      alias: {
        ws: here('ws.mjs'),
        'node:crypto': here('node-crypto.mjs'),
        'node:timers/promises': here('node-timers.mjs'),
      },
    },
    transform: { inject: { Buffer: [BUFFER, 'Buffer'] } },
    logLevel: 'warn',
  })
  try {
    const { output } = await bundle.generate({ format: 'esm' })
    return output[0].code
  } finally {
    await bundle.close()
  }
}
