import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'
import type { CloseCause, RelayResult } from './relay-observer.ts'
import type { RelayCounts } from './signaling-relay.ts'

/** What the server did, in the text format of Prometheus. No label holds anything that a device chose. */
export class RelayMetrics {
  readonly #registry = new Registry()
  readonly #connections = this.#gauge('dittofs_signaling_connections', 'Open connections.')
  readonly #registered = this.#gauge('dittofs_signaling_registered', 'Registered keys.')
  readonly #queued = this.#gauge('dittofs_signaling_queued_bytes', 'Bytes that wait for devices to read.')
  readonly #bus = this.#gauge(
    'dittofs_signaling_bus_up',
    'Whether the bus to other instances is up; absent without one.',
  )
  readonly #registrations = new Counter({
    name: 'dittofs_signaling_registrations_total',
    help: 'Registrations taken.',
    registers: [this.#registry],
  })
  readonly #signals = new Counter({
    name: 'dittofs_signaling_signals_total',
    help: 'Signals by what became of them: sent, absent, rate, queue.',
    labelNames: ['result'],
    registers: [this.#registry],
  })
  readonly #bytes = new Counter({
    name: 'dittofs_signaling_sent_bytes_total',
    help: 'Sealed bytes passed on.',
    registers: [this.#registry],
  })
  readonly #closed = new Counter({
    name: 'dittofs_signaling_closed_total',
    help: 'Connections ended, by cause.',
    labelNames: ['cause'],
    registers: [this.#registry],
  })

  constructor() {
    collectDefaultMetrics({ register: this.#registry })
  }

  countRegistration(): void {
    this.#registrations.inc()
  }

  countRelay(result: RelayResult, bytes: number): void {
    this.#signals.inc({ result })
    if (result === 'sent') this.#bytes.inc(bytes)
  }

  countClose(cause: CloseCause): void {
    this.#closed.inc({ cause })
  }

  render(counts: RelayCounts, isBusUp: boolean | undefined): Promise<string> {
    this.#connections.set(counts.connections)
    this.#registered.set(counts.registered)
    this.#queued.set(counts.queuedBytes)
    this.#bus.reset()
    if (isBusUp === undefined) this.#bus.remove()
    else this.#bus.set(isBusUp ? 1 : 0)
    return this.#registry.metrics()
  }

  #gauge(name: string, help: string): Gauge {
    return new Gauge({ name, help, registers: [this.#registry] })
  }
}
