import { GEAR_TABLE } from './gear-table.ts'

/** The part of WebAssembly that is used; Node's types have none of it. */
declare const WebAssembly: {
  readonly Memory: new (size: {
    initial: number
    maximum: number
    shared: true
  }) => { readonly buffer: SharedArrayBuffer }
  readonly Module: new (code: Uint8Array<ArrayBuffer>) => object
  readonly Instance: new (
    module: object,
    imports: object,
  ) => { readonly exports: { readonly f: GearKernel['findBelow'] } }
}

/** Where the gear table lies in the kernel's memory, and the first byte after it. */
const TABLE_AT = 0
const TABLE_END = TABLE_AT + 4 * GEAR_TABLE.length
const PAGE_BYTES = 64 * 1024
/** Bytes a round: past sixteen nothing is gained. */
const ROUND_BYTES = 16

/** WebAssembly, core specification 1.0, section 5.4: the instructions that the kernel uses. */
const OPCODE = {
  block: 0x02,
  loop: 0x03,
  end: 0x0b,
  branch: 0x0c,
  branchIf: 0x0d,
  return: 0x0f,
  localGet: 0x20,
  localSet: 0x21,
  localTee: 0x22,
  load: 0x28,
  loadByte: 0x2d,
  constant: 0x41,
  lessUnsigned: 0x49,
  greaterUnsigned: 0x4b,
  atLeastUnsigned: 0x4f,
  add: 0x6a,
  shiftLeft: 0x74,
} as const
const INT32 = 0x7f
const NO_RESULT = 0x40
const FUNCTION_TYPE = 0x60
const SHARED_WITH_MAXIMUM = 0x03

/** The kernel's parameters and its one variable. */
const LOCAL = { at: 0, to: 1, hash: 2, limit: 3, next: 4 } as const

/**
 * The loop of {@link findBoundary} in WebAssembly, in a memory of its own, which the bytes have to lie in. About twice as
 * fast as JavaScript: a byte costs two loads, an addition and a comparison, and no check of bounds.
 */
export interface GearKernel {
  /** The memory. The first KERNEL_BYTES are the kernel's; what follows is the caller's to use. */
  readonly memory: SharedArrayBuffer
  /**
   * @param from - offset in the memory, of the first byte to look at
   * @param to - offset after the last
   * @param before - the rolling hash of what comes before
   * @param limit - the boundary is after the first byte whose hash is smaller, as an unsigned number
   * @returns the offset after that byte; 0 where there is none
   */
  readonly findBelow: (from: number, to: number, before: number, limit: number) => number
}

/** Bytes at the beginning of the memory that are the kernel's own. */
export const KERNEL_BYTES = PAGE_BYTES

/**
 * Makes a kernel.
 *
 * @param bytes - of the memory, without the kernel's own
 * @throws where WebAssembly is switched off, or no address space is left
 */
export function gearKernel(bytes: number): GearKernel {
  const pages = Math.ceil((KERNEL_BYTES + bytes) / PAGE_BYTES)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true })
  const table = new DataView(memory.buffer, TABLE_AT, TABLE_END - TABLE_AT)
  for (const [byte, word] of GEAR_TABLE.entries()) table.setInt32(4 * byte, word, true)
  const module = new WebAssembly.Module(gearKernelCode(pages))
  const { exports } = new WebAssembly.Instance(module, { k: { m: memory } })
  return { memory: memory.buffer, findBelow: exports.f }
}

/**
 * The kernel's module, put together here instead of by a tool, so that what runs is what is read.
 *
 * ```
 * rounds: while at + ROUND_BYTES <= to
 *   next = hash
 *   for each of ROUND_BYTES: next = (next << 1) + gear[memory[at + n]]; leave the loop where next < limit
 *   hash = next; at += ROUND_BYTES
 * bytes:  while at < to
 *   hash = (hash << 1) + gear[memory[at]]; at += 1; return at where hash < limit
 * return 0
 * ```
 *
 * A round that is left early leaves `at` and `hash` as they were: the second loop finds the very byte.
 */
export function gearKernelCode(pages: number): Uint8Array<ArrayBuffer> {
  const { at, to, hash, limit, next } = LOCAL
  const rounds = [
    ...[OPCODE.block, NO_RESULT, OPCODE.loop, NO_RESULT],
    ...[...get(at), ...constant(ROUND_BYTES), OPCODE.add, ...get(to), OPCODE.greaterUnsigned, OPCODE.branchIf, 1],
    ...[...get(hash), OPCODE.localSet, next],
    ...Array.from({ length: ROUND_BYTES }, (_, nth) => [
      ...hashByte(next, nth),
      ...[OPCODE.localTee, next, ...get(limit), OPCODE.lessUnsigned, OPCODE.branchIf, 1],
    ]).flat(),
    ...[...get(next), OPCODE.localSet, hash],
    ...[...get(at), ...constant(ROUND_BYTES), OPCODE.add, OPCODE.localSet, at],
    ...[OPCODE.branch, 0, OPCODE.end, OPCODE.end],
  ]
  const bytes = [
    ...[OPCODE.block, NO_RESULT, OPCODE.loop, NO_RESULT],
    ...[...get(at), ...get(to), OPCODE.atLeastUnsigned, OPCODE.branchIf, 1],
    ...[...hashByte(hash, 0), OPCODE.localSet, hash],
    ...[...get(at), ...constant(1), OPCODE.add, OPCODE.localSet, at],
    ...[...get(hash), ...get(limit), OPCODE.atLeastUnsigned, OPCODE.branchIf, 0],
    ...[...get(at), OPCODE.return, OPCODE.end, OPCODE.end],
  ]
  const body = [1, 1, INT32, ...rounds, ...bytes, ...constant(0), OPCODE.end]
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, FUNCTION_TYPE, 4, INT32, INT32, INT32, INT32, 1, INT32]),
    ...section(2, [1, ...name('k'), ...name('m'), 2, SHARED_WITH_MAXIMUM, ...unsigned(pages), ...unsigned(pages)]),
    ...section(3, [1, 0]),
    ...section(7, [1, ...name('f'), 0, 0]),
    ...section(10, [1, ...unsigned(body.length), ...body]),
  ])
}

/** Leaves `(hash << 1) + gear[memory[at + offset]]` on the stack. */
function hashByte(hash: number, offset: number): number[] {
  return [
    ...[...get(hash), ...constant(1), OPCODE.shiftLeft],
    ...[...get(LOCAL.at), OPCODE.loadByte, 0, ...unsigned(offset), ...constant(2), OPCODE.shiftLeft],
    ...[OPCODE.load, 2, ...unsigned(TABLE_AT), OPCODE.add],
  ]
}

function get(local: number): number[] {
  return [OPCODE.localGet, local]
}

/** @param value - 0 to 63: one byte of signed LEB128 */
function constant(value: number): number[] {
  return [OPCODE.constant, value]
}

function name(text: string): number[] {
  return [text.length, ...Buffer.from(text)]
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...unsigned(content.length), ...content]
}

/** Unsigned LEB128. */
function unsigned(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...unsigned(value >>> 7)]
}
