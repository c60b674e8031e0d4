import { type MemoryDatabase, memoryDatabase } from './memory-space.ts'

/** A database that stops, as a machine does, before its write of that number. */
export function stoppingDatabase(stopBefore: number, database: MemoryDatabase = memoryDatabase()): MemoryDatabase {
  let writes = 0
  const isStopped = () => {
    writes += 1
    return writes > stopBefore
  }
  return new Proxy(database, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      const method = value.bind(target) as (...args: unknown[]) => unknown
      if (name !== 'batch' && name !== 'clear') return method
      return async (...args: unknown[]) => {
        if (isStopped()) throw new Error('the machine stopped')
        return method(...args)
      }
    },
  })
}
