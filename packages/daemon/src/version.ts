/** Of this program; a test holds it equal to package.json, which a bundle does not carry. */
export const VERSION = '0.1.0'

/** No build of this program was made before: milliseconds since the Unix epoch. A clock that says so is wrong. */
export const NOT_BEFORE = Date.UTC(2026, 0, 1)
