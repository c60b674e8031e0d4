import type { Clock } from '@dittofs/interface'
import {
  createSelfSignedCertificate,
  HashAlgorithm,
  NamedCurveAlgorithm,
  RTCCertificate,
  SignatureAlgorithm,
} from 'werift'

/** DTLS 1.2 shows certificates to whoever listens on the way: one that lives long would let a device be followed. */
const MAX_AGE_MS = 60 * 60 * 1000

/**
 * The certificate of the next connections: anew after an hour or in another network. Making one takes 30 ms, so several
 * connections share it.
 */
export class CertificateSource {
  readonly #clock: Clock
  #current: RTCCertificate | undefined
  #making: Promise<RTCCertificate> | undefined
  #madeAtMs = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Waits for the first one. */
  async ready(): Promise<void> {
    if (this.#current === undefined) await this.#make()
  }

  /** The current one, even where it is time for another, which is then made meanwhile. Only after {@link ready}. */
  get current(): RTCCertificate {
    if (this.#current === undefined) throw new TypeError('no certificate was made yet')
    if (this.#clock.monotonic() - this.#madeAtMs > MAX_AGE_MS) this.renew()
    return this.#current
  }

  renew(): void {
    this.#make().catch(() => undefined)
  }

  #make(): Promise<RTCCertificate> {
    this.#making ??= makeCertificate()
      .then((certificate) => {
        this.#madeAtMs = this.#clock.monotonic()
        this.#current = certificate
        return certificate
      })
      .finally(() => {
        this.#making = undefined
      })
    return this.#making
  }
}

async function makeCertificate(): Promise<RTCCertificate> {
  const { keyPem, certPem, signatureHash } = await createSelfSignedCertificate(
    { signature: SignatureAlgorithm.ecdsa_3, hash: HashAlgorithm.sha256_4 },
    NamedCurveAlgorithm.secp256r1_23,
  )
  return new RTCCertificate(keyPem, certPem, signatureHash)
}
