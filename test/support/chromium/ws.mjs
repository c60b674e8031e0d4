// The browser's own WebSocket in the form in which the signaling client uses that of the package ws.

class EventedWebSocket {
  static OPEN = 1
  #socket

  constructor(url, protocol) {
    this.#socket = new globalThis.WebSocket(url, protocol)
    this.#socket.binaryType = 'arraybuffer'
  }

  get readyState() {
    return this.#socket.readyState
  }

  on(event, listener) {
    this.#socket.addEventListener(event, (happened) => {
      if (event === 'message') listener(Buffer.from(happened.data), typeof happened.data !== 'string')
      else if (event === 'close') listener(happened.code, Buffer.from(happened.reason))
      else listener(new Error('the browser says no more'))
    })
  }

  send(bytes) {
    this.#socket.send(bytes)
  }

  close(code) {
    this.#socket.close(code)
  }

  terminate() {
    this.#socket.close()
  }
}

export { EventedWebSocket as WebSocket }
