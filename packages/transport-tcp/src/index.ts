/**
 * TCP, mDNS and UDP beacon.
 *
 * @packageDocumentation
 */
export {}
