/** Writes that are on stable storage when they return. LevelDB knows the option, the types of its tables do not. */
export const SYNCED: object = { sync: true }
