/**
 * Sets up and runs a device in the foreground: `dittofs daemon`, with the arguments given.
 *
 * Usage: npm start [-- arguments of dittofs daemon]
 */
import path from 'node:path'
import './setup.mjs'

const cli = path.resolve(import.meta.dirname, '..', 'apps', 'cli', 'bin', 'dittofs.js')
process.argv.splice(1, 1, cli, 'daemon')
await import(cli)
