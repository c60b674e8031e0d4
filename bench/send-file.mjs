import { once } from 'node:events'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { PIECE_BYTES } from './receive-file.mjs'

/** Sends a file over an open socket, and ends when the other side has it on disk. */
export async function sendFile(socket, file) {
  const answered = once(socket, 'data')
  await pipeline(createReadStream(file, { highWaterMark: PIECE_BYTES }), socket, { end: false })
  socket.end()
  await answered
  socket.destroy()
}
