import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import path from 'node:path'

/** The C library for arm64, as Debian's `libc6-arm64-cross` and `libstdc++6-arm64-cross` have it. */
const SYSTEM_ROOT = '/usr/aarch64-linux-gnu'
/** Where `.ci/install-arm64-node` puts it. */
const NODE = path.resolve('node_modules/.cache/arm64/node')
const EMULATORS = ['qemu-aarch64-static', 'qemu-aarch64']

const emulator = EMULATORS.find((program) => spawnSync(program, ['--version']).error === undefined)

function nodeOfArm64(): string {
  return process.env.DITTOFS_ARM64_NODE ?? NODE
}

/** Why programs for arm64 cannot run here; `undefined` when they can. */
export function arm64Unavailable(): string | undefined {
  if (process.arch !== 'x64') return 'the other architecture is arm64, and this machine is no x86-64'
  if (emulator === undefined) return 'qemu-aarch64 is missing (Debian: qemu-user-static)'
  if (!existsSync(path.join(SYSTEM_ROOT, 'lib/ld-linux-aarch64.so.1'))) {
    return 'the C library for arm64 is missing (Debian: libc6-arm64-cross and libstdc++6-arm64-cross)'
  }
  if (!existsSync(nodeOfArm64())) return 'there is no Node for arm64 (.ci/install-arm64-node)'
  return undefined
}

/** The beginning of a command line that runs Node as on an arm64 machine. */
export function arm64Launcher(): readonly string[] {
  return [emulator ?? 'qemu-aarch64', '-L', SYSTEM_ROOT, nodeOfArm64()]
}
