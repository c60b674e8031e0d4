import { NULL_PROCEDURE, type RpcProcedure, type RpcProgram } from '../rpc/rpc-program.ts'

/** RFC 1833 section 3. */
const PORTMAP_PROGRAM = 100_000
const PORTMAP_VERSION = 2
const PROTOCOL_TCP = 6
const PROTOCOL_UDP = 17

/** Program, version, protocol, port: as DUMP tells them. */
type Mapping = readonly [number, number, number, number]

/**
 * A portmapper, version 2, that tells of `programs` at `port` and of itself, and takes no others. For clients that cannot
 * be told a port.
 *
 * @param ownPort - where it is reached itself
 */
export function portmapProgram(programs: readonly RpcProgram[], port: number, ownPort: () => number): RpcProgram {
  const procedure = (name: string, run: RpcProcedure['run']): RpcProcedure => ({ name, isIdempotent: true, run })
  const refuse: RpcProcedure['run'] = ({ reply }) => reply.boolean(false)
  const mappings = (): Mapping[] => [
    [PORTMAP_PROGRAM, PORTMAP_VERSION, PROTOCOL_TCP, ownPort()],
    [PORTMAP_PROGRAM, PORTMAP_VERSION, PROTOCOL_UDP, ownPort()],
    ...programs.map(({ program, version }): Mapping => [program, version, PROTOCOL_TCP, port]),
  ]
  return {
    program: PORTMAP_PROGRAM,
    version: PORTMAP_VERSION,
    procedures: [
      NULL_PROCEDURE,
      procedure('SET', refuse),
      procedure('UNSET', refuse),
      procedure('GETPORT', ({ args, reply }) => {
        const asked = [args.uint32(), args.uint32(), args.uint32()]
        const found = mappings().find((mapping) => asked.every((value, index) => mapping[index] === value))
        reply.uint32(found?.[3] ?? 0)
      }),
      procedure('DUMP', ({ reply }) => {
        for (const mapping of mappings()) {
          reply.boolean(true)
          for (const value of mapping) reply.uint32(value)
        }
        reply.boolean(false)
      }),
    ],
  }
}
