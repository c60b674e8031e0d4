import { NULL_PROCEDURE, type RpcProcedure, type RpcProgram } from '../rpc/rpc-program.ts'

/** RFC 1833 section 3. */
export const PORTMAP_PROGRAM = 100_000
export const PORTMAP_VERSION = 2
const PROTOCOL_TCP = 6

/**
 * A portmapper, version 2, that tells of `programs` at `port` and takes no others. For clients that cannot be told a port.
 */
export function portmapProgram(programs: readonly RpcProgram[], port: () => number): RpcProgram {
  const procedure = (name: string, run: RpcProcedure['run']): RpcProcedure => ({ name, isIdempotent: true, run })
  const refuse: RpcProcedure['run'] = ({ reply }) => reply.boolean(false)
  return {
    program: PORTMAP_PROGRAM,
    version: PORTMAP_VERSION,
    procedures: [
      NULL_PROCEDURE,
      procedure('SET', refuse),
      procedure('UNSET', refuse),
      procedure('GETPORT', ({ args, reply }) => {
        const program = args.uint32()
        const version = args.uint32()
        const protocol = args.uint32()
        const isServed =
          protocol === PROTOCOL_TCP && programs.some((one) => one.program === program && one.version === version)
        reply.uint32(isServed ? port() : 0)
      }),
      procedure('DUMP', ({ reply }) => {
        for (const { program, version } of programs) {
          reply.boolean(true)
          for (const value of [program, version, PROTOCOL_TCP, port()]) reply.uint32(value)
        }
        reply.boolean(false)
      }),
    ],
  }
}
