import { NULL_PROCEDURE, type RpcProcedure, type RpcProgram } from '../rpc/rpc-program.ts'
import { access, getAttributes, setAttributes } from './attribute-procedures.ts'
import { commit, read, readReplyBytes, write } from './content-procedures.ts'
import { create, makeDirectory, makeNode, makeSymlink } from './create-procedures.ts'
import { fileSystemInformation, fileSystemStatistics, pathConfiguration } from './file-system-procedures.ts'
import { listingReplyBytes, readDirectory, readDirectoryPlus } from './listing-procedures.ts'
import { lookup, readLink } from './lookup-procedures.ts'
import { NfsCall, type NfsContext } from './nfs-context.ts'
import { link, removeDirectory, removeFile, rename } from './removal-procedures.ts'

/** RFC 1813 section 2.2. */
export const NFS_PROGRAM = 100_003
export const NFS_VERSION = 3

/** NFS version 3 over the exports of `context`. */
export function nfsProgram(context: NfsContext): RpcProgram {
  const procedure = (
    name: string,
    run: (call: NfsCall) => Promise<void>,
    options: Partial<Pick<RpcProcedure, 'isIdempotent' | 'replyBytes'>> = {},
  ): RpcProcedure => ({ name, isIdempotent: true, ...options, run: (call) => run(new NfsCall(context, call)) })
  const once = { isIdempotent: false }
  const listing = { replyBytes: listingReplyBytes }
  return {
    program: NFS_PROGRAM,
    version: NFS_VERSION,
    // By number, as section 3.3 counts them.
    procedures: [
      NULL_PROCEDURE,
      procedure('GETATTR', getAttributes),
      procedure('SETATTR', setAttributes, once),
      procedure('LOOKUP', lookup),
      procedure('ACCESS', access),
      procedure('READLINK', readLink),
      procedure('READ', read, { replyBytes: readReplyBytes }),
      procedure('WRITE', write),
      procedure('CREATE', create, once),
      procedure('MKDIR', makeDirectory, once),
      procedure('SYMLINK', makeSymlink, once),
      procedure('MKNOD', makeNode),
      procedure('REMOVE', removeFile, once),
      procedure('RMDIR', removeDirectory, once),
      procedure('RENAME', rename, once),
      procedure('LINK', link),
      procedure('READDIR', readDirectory, listing),
      procedure('READDIRPLUS', readDirectoryPlus, listing),
      procedure('FSSTAT', fileSystemStatistics),
      procedure('FSINFO', fileSystemInformation),
      procedure('PATHCONF', pathConfiguration),
      procedure('COMMIT', commit),
    ],
  }
}
