/**
 * Directories below one root, reached so that no symlink in them can lead a write elsewhere, whatever is swapped while
 * we work (SECURITY.md section 8).
 */
export interface SafeDirectories {
  /**
   * Runs `action` with a path that names the directory until `action` settles; names in it are to be used with calls
   * that do not follow a last symlink.
   *
   * @param names - from the root down; none for the root itself
   * @throws DittoError DITTO_PATH_INVALID (a symlink or a file is in the way); system errors
   */
  within<T>(names: readonly string[], action: (place: string) => Promise<T>): Promise<T>
  close(): Promise<void>
}
