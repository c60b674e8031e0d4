/**
 * Puts the parts together: device, control API, metrics, lifecycle.
 *
 * @packageDocumentation
 */
export {}
