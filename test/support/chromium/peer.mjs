// One device's end of a connection by the browser's own RTCPeerConnection: signals, hello, credits and data as
// docs/protocol.md says, written anew and not with the code of the transport it talks to.

const [HELLO, DATA, CREDIT, END] = [1, 2, 3, 4]
const WINDOW = { bytes: 4 * 1024 * 1024, messages: 2_048 }
const HEADER_BYTES = 7
const MAX_MESSAGE_BYTES = 16 * 1024
const MAX_QUEUED_BYTES = 256 * 1024

export class Peer {
  #connection = new RTCPeerConnection()
  #channel
  #isDialer
  #send
  #token
  #sent = { bytes: 0, messages: 0 }
  #credit = { bytes: 0, messages: 0 }
  #received = { bytes: 0, messages: 0 }
  #granted = { bytes: 0, messages: 0 }
  #hasRoom = () => undefined
  #opened = Promise.withResolvers()
  /** The hellos were exchanged. */
  open = this.#opened.promise
  onData = () => undefined
  onEnd = () => undefined
  onClose = () => undefined

  /** @param send - takes a kind and a body: a signal of this session to the other side */
  constructor({ isDialer, send }) {
    this.#isDialer = isDialer
    this.#send = send
    this.#connection.onicecandidate = ({ candidate }) => {
      send('candidate', JSON.stringify(candidate ?? { candidate: '', sdpMLineIndex: 0 }))
    }
    this.#connection.onconnectionstatechange = () => {
      if (this.#connection.connectionState === 'failed') this.#opened.reject(new Error('no connection came about'))
    }
    if (isDialer) this.#use(this.#connection.createDataChannel('dittofs'))
    else this.#connection.ondatachannel = ({ channel }) => this.#use(channel)
  }

  /** What the browser says of the pair of candidates in use: their types, and the ICE user name of the other side. */
  async path() {
    const stats = [...(await this.#connection.getStats()).values()]
    const find = (id) => stats.find((entry) => entry.id === id)
    const pair = find(stats.find(({ type }) => type === 'transport')?.selectedCandidatePairId)
    const [local, remote] = [find(pair?.localCandidateId), find(pair?.remoteCandidateId)]
    return { local: local?.candidateType, remote: remote?.candidateType, ufrag: remote?.usernameFragment }
  }

  async offer(options) {
    await this.#connection.setLocalDescription(await this.#connection.createOffer(options))
    await this.#send('offer', this.#connection.localDescription.sdp)
  }

  async receive({ kind, body }) {
    if (kind === 'offer' && body === 'restart') await this.offer({ iceRestart: true })
    else if (kind === 'offer') {
      await this.#connection.setRemoteDescription({ type: 'offer', sdp: body })
      await this.#connection.setLocalDescription(await this.#connection.createAnswer())
      await this.#send('answer', this.#connection.localDescription.sdp)
    } else if (kind === 'answer') await this.#connection.setRemoteDescription({ type: 'answer', sdp: body })
    else if (kind === 'candidate') {
      const candidate = JSON.parse(body)
      if (candidate.candidate !== '') await this.#connection.addIceCandidate(candidate)
    } else this.#opened.reject(new Error('the other side ended the session'))
  }

  /** Sends bytes, as fast as credits and the channel's own queue allow. */
  async write(bytes) {
    for (let at = 0; at < bytes.length; ) {
      while (
        this.#sent.bytes >= this.#credit.bytes ||
        this.#sent.messages >= this.#credit.messages ||
        this.#channel.bufferedAmount >= MAX_QUEUED_BYTES
      ) {
        await new Promise((resolve) => {
          this.#hasRoom = resolve
        })
      }
      const size = Math.min(bytes.length - at, this.#credit.bytes - this.#sent.bytes, MAX_MESSAGE_BYTES - HEADER_BYTES)
      const message = new Uint8Array(HEADER_BYTES + size)
      message[0] = DATA
      putU48(message, 1, this.#sent.messages++)
      message.set(bytes.subarray(at, at + size), HEADER_BYTES)
      this.#sent.bytes += size
      at += size
      this.#channel.send(message)
    }
  }

  end() {
    const message = new Uint8Array(7)
    message[0] = END
    putU48(message, 1, this.#sent.messages)
    this.#channel.send(message)
  }

  close() {
    this.#connection.close()
  }

  #use(channel) {
    this.#channel = channel
    channel.binaryType = 'arraybuffer'
    channel.bufferedAmountLowThreshold = MAX_QUEUED_BYTES / 4
    channel.onbufferedamountlow = () => this.#hasRoom()
    channel.onmessage = ({ data }) => this.#take(new Uint8Array(data))
    channel.onclose = () => this.onClose()
    channel.onopen = () => {
      if (!this.#isDialer) return
      this.#token = crypto.getRandomValues(new Uint8Array(16))
      channel.send(Uint8Array.of(HELLO, 1, 0, ...this.#token))
    }
  }

  #take(message) {
    switch (message[0]) {
      case HELLO:
        if (this.#isDialer && !message.subarray(3).every((byte, index) => byte === this.#token[index])) {
          throw new Error('the hello names another connection')
        }
        if (!this.#isDialer) this.#channel.send(message)
        this.#renewCredit()
        this.#opened.resolve()
        return
      case DATA:
        if (getU48(message, 1) !== this.#received.messages) throw new Error('a message is missing')
        this.#received.messages++
        this.#received.bytes += message.length - HEADER_BYTES
        this.onData(message.subarray(HEADER_BYTES))
        this.#renewCredit()
        return
      case CREDIT:
        this.#credit = { bytes: getU48(message, 1), messages: getU48(message, 7) }
        this.#hasRoom()
        return
      case END:
        if (getU48(message, 1) !== this.#received.messages) throw new Error('the end came too early')
        this.onEnd()
    }
  }

  #renewCredit() {
    const bytes = this.#received.bytes + WINDOW.bytes
    const messages = this.#received.messages + WINDOW.messages
    const isDue =
      bytes - this.#granted.bytes >= WINDOW.bytes / 4 || messages - this.#granted.messages >= WINDOW.messages / 4
    if (!isDue) return
    this.#granted = { bytes, messages }
    const message = new Uint8Array(13)
    message[0] = CREDIT
    putU48(message, 1, bytes)
    putU48(message, 7, messages)
    this.#channel.send(message)
  }
}

function putU48(bytes, at, value) {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  view.setUint16(at, Math.floor(value / 2 ** 32))
  view.setUint32(at + 2, value % 2 ** 32)
}

function getU48(bytes, at) {
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  return view.getUint16(at) * 2 ** 32 + view.getUint32(at + 2)
}
