/**
 * Device identity, knock and TLS 1.3 over any duplex.
 *
 * @packageDocumentation
 */
export {}
