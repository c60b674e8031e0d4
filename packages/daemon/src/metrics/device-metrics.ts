import type { DeviceStatus } from '@dittofs/interface'
import { Counter, collectDefaultMetrics, Gauge, Registry } from 'prom-client'

/**
 * A device's state in the text format of Prometheus. Figures of the process itself (memory, event loop, descriptors)
 * come from prom-client's defaults.
 */
export class DeviceMetrics {
  readonly #registry = new Registry()
  readonly #gauges = {
    chunks: this.#gauge('dittofs_chunks', 'Distinct chunks held.'),
    chunkBytes: this.#gauge('dittofs_chunk_bytes', 'Bytes of the distinct chunks held.'),
    packs: this.#gauge('dittofs_packs', 'Pack files.'),
    packBytes: this.#gauge('dittofs_pack_bytes', 'Bytes of the pack files.'),
    peers: this.#gauge('dittofs_peers_connected', 'Devices that a link leads to.'),
    links: this.#gauge('dittofs_link_up', 'Whether a way to find or reach devices works, 1 or 0.', ['link']),
    files: this.#gauge('dittofs_space_files', 'Files shown in a space.', ['space']),
    bytes: this.#gauge('dittofs_space_bytes', 'Bytes of the files shown in a space.', ['space']),
    missing: this.#gauge('dittofs_space_missing_bytes', 'Bytes of a space that are not here yet.', ['space']),
    conflicts: this.#gauge('dittofs_space_conflicts', 'Conflict copies shown in a space.', ['space']),
    members: this.#gauge('dittofs_space_members', 'Devices that hold a space.', ['space']),
  }
  readonly #counters = {
    bytesSent: this.#counter('dittofs_link_sent_bytes_total', 'Bytes sent over links since the start.'),
    bytesReceived: this.#counter('dittofs_link_received_bytes_total', 'Bytes received over links since the start.'),
  }
  #hasDefaults = false

  /** @returns the metrics as they are now */
  async render(status: DeviceStatus, traffic: { sent: number; received: number }): Promise<string> {
    if (!this.#hasDefaults) {
      // Only now: it watches the event loop and the garbage collector, which a one-shot command has no use for.
      collectDefaultMetrics({ register: this.#registry })
      this.#hasDefaults = true
    }
    const gauges = this.#gauges
    gauges.chunks.set(status.chunks.count)
    gauges.chunkBytes.set(status.chunks.bytes)
    gauges.packs.set(status.chunks.packs)
    gauges.packBytes.set(status.chunks.packBytes)
    gauges.peers.set(status.peers.filter((peer) => peer.link !== undefined).length)
    setCounter(this.#counters.bytesSent, traffic.sent)
    setCounter(this.#counters.bytesReceived, traffic.received)
    gauges.links.reset()
    for (const { name, isUp } of status.links) gauges.links.set({ link: name }, isUp ? 1 : 0)
    for (const gauge of [gauges.files, gauges.bytes, gauges.missing, gauges.conflicts, gauges.members]) gauge.reset()
    for (const space of status.spaces) {
      // By ID: a name is chosen by people, may change and may be shared by two spaces.
      const label = { space: space.id }
      gauges.files.set(label, space.files)
      gauges.bytes.set(label, space.bytes)
      gauges.missing.set(label, space.missingBytes)
      gauges.conflicts.set(label, space.conflicts)
      gauges.members.set(label, space.members)
    }
    return this.#registry.metrics()
  }

  close(): void {
    this.#registry.clear()
  }

  #gauge<Label extends string = never>(name: string, help: string, labelNames: Label[] = []): Gauge<Label> {
    return new Gauge({ name, help, labelNames, registers: [this.#registry] })
  }

  #counter(name: string, help: string): Counter {
    return new Counter({ name, help, registers: [this.#registry] })
  }
}

/** What is counted elsewhere already: only its value is told. */
function setCounter(counter: Counter, value: number): void {
  counter.reset()
  counter.inc(value)
}
