import { WebSocket } from 'ws'
import { type Frame, MAX_FRAME_BYTES, readFrame } from './frames.ts'
import { backoff, type Timings } from './timings.ts'

export type ConnectionState = 'connecting' | 'open' | 'waiting' | 'refused'

interface ConnectionEvents {
  opened(): void
  frame(frame: Frame): void
  /** The connection is gone; it will be tried again. */
  lost(): void
  /** It still stands: a pong came. */
  alive(): void
}

/**
 * One supervised WebSocket: connects at once, again after each loss, for ever, with backoff and jitter. Pings
 * find sockets that died without a word.
 */
export class Connection {
  readonly url: string
  state: ConnectionState = 'connecting'
  /** Why it waits or was refused, for people. */
  detail: string | undefined
  readonly #timings: Timings
  readonly #random: () => number
  readonly #events: ConnectionEvents
  #socket: WebSocket | undefined
  #attempt = 0
  #openedAt = 0
  #retry: NodeJS.Timeout | undefined
  #pinging: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined
  #closed = false

  constructor(url: string, timings: Timings, random: () => number, events: ConnectionEvents) {
    this.url = url
    this.#timings = timings
    this.#random = random
    this.#events = events
    this.#connect()
  }

  send(message: unknown[]): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message))
  }

  /** After the machine slept: waiting ends, and an open socket must prove that it lives. */
  wake(): void {
    if (this.state === 'open') this.#ping()
    else if (this.#retry !== undefined) {
      this.#attempt = 0
      this.#connect()
    }
  }

  /** Hangs up on a relay that misbehaves; it is tried again after the longest wait. */
  punish(reason: string): void {
    this.#attempt = 30
    this.#openedAt = Number.POSITIVE_INFINITY
    const socket = this.#socket
    // What it has sent on beforehand is not listened to any more.
    this.#lost(reason)
    socket?.terminate()
  }

  close(): Promise<void> {
    this.#closed = true
    this.#clearTimers()
    const socket = this.#socket
    if (!socket || socket.readyState === WebSocket.CLOSED) return Promise.resolve()
    return new Promise(resolve => {
      const cut = setTimeout(() => socket.terminate(), 1000)
      socket.once('close', () => {
        clearTimeout(cut)
        resolve()
      })
      socket.close()
    })
  }

  #connect(): void {
    this.#clearTimers()
    this.state = 'connecting'
    const socket = new WebSocket(this.url, {
      handshakeTimeout: this.#timings.connect,
      maxPayload: MAX_FRAME_BYTES,
      // A compressed bomb would be inflated before its size is known.
      perMessageDeflate: false,
      followRedirects: false,
    })
    this.#socket = socket
    let trouble: string | undefined
    socket.on('open', () => this.#opened())
    socket.on('pong', () => socket === this.#socket && this.#heard())
    socket.on('message', (data, isBinary) => {
      if (socket === this.#socket && !isBinary) this.#message(data.toString())
    })
    socket.on('error', error => {
      // A host name with several addresses fails with all their errors at once, and without a message.
      trouble = error.message || ('code' in error ? String(error.code) : error.name)
    })
    socket.on('unexpected-response', (request, response) => {
      trouble = `HTTP ${response.statusCode}`
      this.state = isRefusal(response.statusCode) ? 'refused' : 'waiting'
      request.destroy()
      this.#lost(trouble)
    })
    socket.on('close', (code, reason) => {
      if (socket === this.#socket)
        this.#lost(trouble ?? (reason.toString().slice(0, 100) || `closed (${code})`))
    })
  }

  #opened(): void {
    this.state = 'open'
    this.detail = undefined
    this.#openedAt = performance.now()
    this.#pinging = setInterval(() => this.#ping(), this.#timings.ping)
    this.#events.opened()
  }

  #message(text: string): void {
    if (this.#closed) return
    const frame = readFrame(text)
    if (frame) this.#events.frame(frame)
  }

  #ping(): void {
    if (this.#deadline || this.#socket?.readyState !== WebSocket.OPEN) return
    this.#deadline = setTimeout(() => {
      this.detail = 'no answer to a ping'
      this.#socket?.terminate()
    }, this.#timings.pong)
    this.#socket.ping()
  }

  #heard(): void {
    clearTimeout(this.#deadline)
    this.#deadline = undefined
    if (!this.#closed) this.#events.alive()
  }

  #lost(reason: string): void {
    const wasOpen = this.state === 'open'
    this.#clearTimers()
    this.#socket = undefined
    if (this.#closed) return
    if (performance.now() - this.#openedAt >= this.#timings.stable && wasOpen) this.#attempt = 0
    if (this.state !== 'refused') this.state = 'waiting'
    this.detail ??= reason
    if (!wasOpen) this.detail = reason
    const { retry, retryMax, refused } = this.#timings
    const wait = this.state === 'refused' ? refused : backoff(this.#attempt++, retry, retryMax, this.#random)
    this.#retry = setTimeout(() => this.#connect(), wait)
    this.#events.lost()
  }

  #clearTimers(): void {
    clearTimeout(this.#retry)
    clearInterval(this.#pinging)
    clearTimeout(this.#deadline)
    this.#retry = undefined
    this.#pinging = undefined
    this.#deadline = undefined
  }
}

/** The server means us; a busy or broken one (429, 5xx) may recover any moment. */
const isRefusal = (status: number | undefined): boolean =>
  status !== undefined && status >= 400 && status < 500 && status !== 429
