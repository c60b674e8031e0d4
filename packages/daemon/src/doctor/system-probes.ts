import { watch } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createConnection, createServer } from 'node:net'
import { tmpdir } from 'node:os'

const CONNECT_TIMEOUT_MS = 2000

/** Of inotify; `undefined` where the system has none. */
export async function inotifyLimits(): Promise<{ watches: number; instances: number } | undefined> {
  const read = async (name: string) => Number(await readFile(`/proc/sys/fs/inotify/${name}`, 'utf8'))
  try {
    return { watches: await read('max_user_watches'), instances: await read('max_user_instances') }
  } catch {
    return undefined
  }
}

/** Watches a directory for a moment. @returns the code of the system's error; `undefined` where it could */
export async function tryToWatch(directory: string = tmpdir()): Promise<string | undefined> {
  try {
    watch(directory, { persistent: false }).close()
    return undefined
  } catch (error) {
    return (error as NodeJS.ErrnoException).code
  }
}

/** Listens for a moment. @returns the code of the system's error; `undefined` where it could */
export function tryToListen(port: number, host: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    server.listen({ port, ...(host === '' ? {} : { host }) }, () => server.close(() => resolve(undefined)))
  })
}

/** Whether a TCP connection can be opened; it says nothing and ends. */
export function tryToConnect(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: CONNECT_TIMEOUT_MS })
    const end = (isOpen: boolean) => {
      socket.destroy()
      resolve(isOpen)
    }
    socket.once('connect', () => end(true))
    socket.once('timeout', () => end(false))
    socket.once('error', () => end(false))
  })
}
