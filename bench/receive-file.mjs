import fs from 'node:fs/promises'

/** Bytes written in one go. */
export const PIECE_BYTES = 1024 * 1024

/** Writes all that comes over a socket to a file, syncs it and answers. */
export async function receiveFile(socket, file) {
  const handle = await fs.open(file, 'w')
  let pending = []
  let pendingBytes = 0
  const write = async () => {
    const batch = pending
    pending = []
    pendingBytes = 0
    await handle.writev(batch)
  }
  // Plain iteration would destroy the socket at its end, and the answer with it.
  for await (const piece of socket.iterator({ destroyOnReturn: false })) {
    pending.push(piece)
    pendingBytes += piece.length
    if (pendingBytes >= PIECE_BYTES) await write()
  }
  if (pendingBytes > 0) await write()
  await handle.sync()
  await handle.close()
  socket.end('done')
}
