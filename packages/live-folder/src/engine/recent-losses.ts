/** Milliseconds for which a deletion counts with those that follow. */
const WINDOW_MS = 60_000

/** Files that a folder lost of late: deleted one by one they are as gone as deleted at once, and the brake counts them so. */
export class RecentLosses {
  #losses: { readonly files: number; readonly atMs: number }[] = []

  add(files: number, nowMs: number): void {
    if (files > 0) this.#losses.push({ files, atMs: nowMs })
  }

  count(nowMs: number): number {
    this.#losses = this.#losses.filter(({ atMs }) => atMs > nowMs - WINDOW_MS)
    return this.#losses.reduce((sum, { files }) => sum + files, 0)
  }

  /** A person has agreed to them. */
  forget(): void {
    this.#losses = []
  }
}
