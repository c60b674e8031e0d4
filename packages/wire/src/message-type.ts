/**
 * The first byte of every frame's payload. Numbers are never used again for something else; a receiver skips those
 * it does not know.
 *
 * @see docs/protocol.md#messages
 */
export const MESSAGE_TYPE = {
  // session
  hello: 0x01,
  spaces: 0x02,
  bye: 0x03,
  ping: 0x04,
  pong: 0x05,
  // pairing
  join: 0x10,
  joinOk: 0x11,
  joinNo: 0x12,
  joinDone: 0x13,
  joinWait: 0x14,
  // membership
  statements: 0x20,
  addresses: 0x21,
  // metadata
  metadata: 0x30,
  digests: 0x31,
  wantLog: 0x32,
  logPart: 0x33,
  // content
  want: 0x40,
  chunks: 0x41,
  absent: 0x42,
  cancel: 0x43,
  progress: 0x44,
  askKept: 0x45,
  kept: 0x46,
  askOutline: 0x47,
  outline: 0x48,
  askRecipe: 0x49,
  recipe: 0x4a,
  packedChunks: 0x4b,
  askEcho: 0x4c,
  echo: 0x4d,
} as const

export type MessageType = (typeof MESSAGE_TYPE)[keyof typeof MESSAGE_TYPE]
