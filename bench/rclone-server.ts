import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** Whether this machine has rclone. */
export const hasRclone = (): boolean => spawnSync('rclone', ['version']).status === 0

export interface RcloneServer {
  readonly url: string
  stop(): Promise<void>
}

/** `rclone serve webdav` of a directory, on a free port, as it is without any setting. */
export async function rcloneServer(directory: string): Promise<RcloneServer> {
  const args = ['serve', 'webdav', directory, '--addr', '127.0.0.1:0']
  const server = spawn('rclone', args, {
    env: { ...process.env, RCLONE_CONFIG: '/dev/null' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = once(server, 'exit')
  for await (const line of createInterface({ input: server.stderr })) {
    const url = /started on \[?(http:\/\/127\.0\.0\.1:\d+\/)/.exec(line)?.[1]
    if (url === undefined) continue
    server.stderr.resume()
    return {
      url,
      stop: async () => {
        server.kill('SIGTERM')
        await ended
      },
    }
  }
  throw new Error('rclone did not serve')
}
