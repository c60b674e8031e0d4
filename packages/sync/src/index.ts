/**
 * The engine: what differs, who has it, fetch, verify, apply.
 *
 * @packageDocumentation
 */
export {}
