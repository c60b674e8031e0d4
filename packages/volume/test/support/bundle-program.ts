import path from 'node:path'
import { rolldown } from 'rolldown'

/**
 * Makes a program of a source file and the packages it stands on, which Node can run in a process of its own without a build
 * of them. What is not of this repository is taken from where it is installed.
 *
 * @returns its file
 */
export async function bundleProgram(source: string, directory: string): Promise<string> {
  const bundle = await rolldown({
    input: source,
    platform: 'node',
    resolve: { conditionNames: ['@dittofs/source', 'node', 'import'] },
    plugins: [
      {
        name: 'installed-packages',
        async resolveId(id, importer, options) {
          if (id.startsWith('.') || path.isAbsolute(id) || id.startsWith('node:') || id.startsWith('@dittofs/'))
            return null
          const found = await this.resolve(id, importer, { ...options, skipSelf: true })
          return found === null ? null : { id: found.id, external: 'absolute' }
        },
      },
    ],
    logLevel: 'warn',
  })
  try {
    const file = path.join(directory, 'program.mjs')
    await bundle.write({ file, format: 'esm' })
    return file
  } finally {
    await bundle.close()
  }
}
