/**
 * Who belongs to a space: signed statements, tickets, pairing.
 *
 * @packageDocumentation
 */
export {}
