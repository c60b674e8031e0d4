/**
 * What is needed of a LevelDB, or of anything that behaves like one; each call names its encodings. Spelled out, as
 * the types of abstract-level fit each other or not by the order in which a compiler meets them.
 */
export interface BaseDatabase {
  open(): Promise<void>
  close(): Promise<void>
  get(key: string, options: typeof BASE_ENCODING): Promise<Uint8Array | undefined>
  batch(operations: BaseOperation[], options: typeof BASE_ENCODING & { sync: boolean }): Promise<void>
  /** Gives back the disk space of what was overwritten or removed, where it has any to give. */
  compactRange?(from: string, to: string, options: typeof BASE_ENCODING): Promise<void>
  iterator(options: typeof BASE_ENCODING & { gte: string; lt: string }): AsyncIterable<[string, Uint8Array]>
}

export const BASE_ENCODING = { keyEncoding: 'utf8', valueEncoding: 'view' } as const

export type BaseOperation =
  | { readonly type: 'put'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'del'; readonly key: string }
