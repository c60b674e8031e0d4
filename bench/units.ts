export const KIB = 1024
export const MIB = 1024 ** 2
export const GIB = 1024 ** 3

export const seconds = (ms: number) => `${(ms / 1000).toFixed(2)} s`
export const milliseconds = (ms: number) => (ms < 10 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(0)} ms`)
export const mebibytes = (bytes: number) => `${(bytes / MIB).toFixed(bytes < 10 * MIB ? 1 : 0)} MiB`
export const kibibytes = (bytes: number) => `${(bytes / KIB).toFixed(1)} KiB`
