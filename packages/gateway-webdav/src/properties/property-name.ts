/** The name of a property: an element name in a namespace, `''` for none. */
export interface PropertyName {
  readonly namespace: string
  readonly name: string
}

/** A text that two names share only when they are the same. No name of XML holds a space. */
export function propertyKey({ namespace, name }: PropertyName): string {
  return `${name} ${namespace}`
}
