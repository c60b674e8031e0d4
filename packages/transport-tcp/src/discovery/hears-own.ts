/** What a probe found on one address; `problem`, in words, where it failed. */
export interface ProbeResult {
  /** Of the interface. */
  readonly name: string
  readonly address: string
  readonly problem?: string
}

/** Waits for a packet that this device sent itself, among whatever else arrives. */
export function hearsOwn(packet: Uint8Array, timeoutMs: number) {
  let hasHeard = false
  let wake: () => void = () => undefined
  return {
    take: (message: Uint8Array): void => {
      if (Buffer.compare(message, packet) !== 0) return
      hasHeard = true
      wake()
    },
    /** Whether it came within the time. */
    within: async (): Promise<boolean> => {
      if (hasHeard) return true
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((resolve) => {
        wake = resolve
        // A process that was held up finds the time over before it has looked what came meanwhile.
        timer = setTimeout(() => setImmediate(resolve), timeoutMs)
      })
      clearTimeout(timer)
      return hasHeard
    },
  }
}
