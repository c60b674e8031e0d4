import { DittoError } from '@dittofs/interface'

/**
 * One value of a message: how it is checked and turned to and from what CBOR carries. `schema` describes the format
 * completely, so that a hash over all of them changes whenever the format does.
 */
export interface Field<T> {
  readonly schema: string
  readonly isOptional?: true
  /** @throws RangeError when the value is not of the format: a mistake of the caller */
  encode(value: T): unknown
  /** @throws DittoError DITTO_PROTOCOL */
  decode(value: unknown): T
}

/** A {@link Field} of a record that may be left out. */
export interface OptionalField<T> extends Field<T> {
  readonly isOptional: true
}

/** What a field holds once decoded. */
export type FieldValue<F> = F extends Field<infer T> ? T : never

export type FieldShape = Readonly<Record<string, Field<unknown>>>

type OptionalKeys<S> = { [K in keyof S]: S[K] extends OptionalField<unknown> ? K : never }[keyof S]

/** The fields of a record, optional ones as optional properties. */
export type RecordOf<S> = { readonly [K in Exclude<keyof S, OptionalKeys<S>>]: FieldValue<S[K]> } & {
  readonly [K in OptionalKeys<S> & keyof S]?: FieldValue<S[K]>
}

function malformed(expected: string): DittoError {
  return new DittoError('DITTO_PROTOCOL', `The peer sent a message with a bad field: expected ${expected}.`)
}

function checked<T>(schema: string, accepts: (value: unknown) => value is T): Field<T> {
  return {
    schema,
    encode(value) {
      if (!accepts(value)) throw new RangeError(`not a ${schema}`)
      return value
    },
    decode(value) {
      if (!accepts(value)) throw malformed(schema)
      return value
    },
  }
}

/** An integer of `min` to `max`, both included, at most 2^53-1. */
export function integer(min: number, max: number): Field<number> {
  return checked(
    `int ${min}..${max}`,
    (value): value is number => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max,
  )
}

export const u32: Field<number> = integer(0, 0xffff_ffff)

export const bool: Field<boolean> = checked('bool', (value): value is boolean => typeof value === 'boolean')

/** A byte string of `min` to `max` bytes; its length must be a multiple of `unit`. Decoded, it may share the message's memory. */
export function bytes(min: number, max: number = min, unit = 1): Field<Uint8Array> {
  return checked(
    `bytes ${min}..${max} by ${unit}`,
    (value): value is Uint8Array =>
      value instanceof Uint8Array && value.length >= min && value.length <= max && value.length % unit === 0,
  )
}

/** Well-formed UTF-8 of at most `max` bytes. */
export function text(max: number): Field<string> {
  return checked(
    `text ..${max} bytes`,
    (value): value is string => typeof value === 'string' && value.isWellFormed() && Buffer.byteLength(value) <= max,
  )
}

/** `min` to `max` values of one kind. */
export function list<T>(item: Field<T>, min: number, max: number): Field<readonly T[]> {
  const schema = `list ${min}..${max} of (${item.schema})`
  return {
    schema,
    encode(values) {
      if (values.length < min || values.length > max) throw new RangeError(`not a ${schema}`)
      return values.map((value) => item.encode(value))
    },
    decode(values) {
      if (!Array.isArray(values) || values.length < min || values.length > max) throw malformed(schema)
      return values.map((value) => item.decode(value))
    },
  }
}

export function optional<T>(field: Field<T>): OptionalField<T> {
  return {
    schema: `optional ${field.schema}`,
    isOptional: true,
    encode: (value) => field.encode(value),
    decode: (value) => field.decode(value),
  }
}

/** A map with text keys. Keys that the schema does not name are skipped, so that later versions can add some. */
export function record<S extends FieldShape>(shape: S): Field<RecordOf<S>> {
  const fields = Object.entries<Field<unknown>>(shape)
  return {
    schema: `{ ${fields.map(([key, field]) => `${key}: ${field.schema}`).join(', ')} }`,
    encode(value) {
      const encoded: Record<string, unknown> = {}
      for (const [key, field] of fields) {
        const part = (value as Record<string, unknown>)[key]
        if (part !== undefined) encoded[key] = field.encode(part)
        else if (field.isOptional === undefined) throw new RangeError(`${key} is missing`)
      }
      return encoded
    },
    decode(value) {
      if (!(value instanceof Map)) throw malformed('a map')
      const decoded: Record<string, unknown> = {}
      for (const [key, field] of fields) {
        const part: unknown = value.get(key)
        if (part !== undefined) decoded[key] = field.decode(part)
        else if (field.isOptional === undefined) throw malformed(`the field ${key}`)
      }
      return decoded as RecordOf<S>
    },
  }
}
