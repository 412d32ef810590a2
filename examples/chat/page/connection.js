// A WebSocket that comes back. What was not seen to arrive is sent again, with the same id; what was missed
// meanwhile, the server sends.

const FIRST = 500      // milliseconds before the first try, doubled up to
const LONGEST = 15_000
const PATIENCE = 10_000 // in which what we say must come back to us
const REFUSED = 4403

export class Connection {
  // on: { event(event), state(state, reason) }, where state is connecting, open, waiting, or refused
  constructor(on) {
    this.on = on
    this.unsent = new Map() // id → text
    this.tries = 0
    addEventListener('online', () => this.hurry())
    document.addEventListener('visibilitychange', () => document.hidden || this.hurry())
  }

  // Goes to a room; to the same one under another name, too.
  enter(room, name) {
    if (room !== this.room) { this.last = ''; this.unsent.clear() }
    this.room = room
    this.name = name
    this.tries = 0
    this.connect()
  }

  say(text) {
    const id = Array.from(crypto.getRandomValues(new Uint8Array(12)), (n) => n.toString(16).padStart(2, '0')).join('')
    this.unsent.set(id, text)
    this.send({ say: text, id })
    this.watch(id)
    return id
  }

  typing() { this.send({ typing: true }) }

  // --- the rest is its own affair

  connect() {
    clearTimeout(this.timer)
    this.drop()
    const address = new URL('chat', location.href)
    address.protocol = address.protocol.replace('http', 'ws')
    address.search = new URLSearchParams({ room: this.room, name: this.name, since: this.last })
    address.hash = ''
    const socket = this.socket = new WebSocket(address)
    this.early = []
    socket.onmessage = (message) => socket === this.socket && this.receive(JSON.parse(message.data))
    socket.onclose = (close) => socket === this.socket && this.closed(close)
    this.on.state('connecting')
  }

  drop() {
    const socket = this.socket
    this.socket = null
    socket?.close()
  }

  // The welcome says what was before; what happens meanwhile may come earlier than it.
  receive(event) {
    if (event.type === 'welcome') return this.welcome(event)
    if (this.early) return this.early.push(event)
    if (event.type === 'said') this.arrived(event)
    this.on.event(event)
  }

  welcome(event) {
    const early = this.early
    this.early = null
    this.tries = 0
    event.said.forEach((entry) => this.arrived(entry))
    this.on.event(event)
    early.forEach((later) => this.receive(later))
    for (const [id, text] of this.unsent) { this.send({ say: text, id }); this.watch(id) }
    this.on.state('open')
  }

  arrived(entry) {
    this.last = entry.id
    this.unsent.delete(entry.id)
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message))
  }

  // A network that has gone says nothing: then it is us who give the connection up.
  watch(id) {
    const socket = this.socket
    setTimeout(() => this.unsent.has(id) && socket && socket === this.socket && this.retry(), PATIENCE)
  }

  closed(close) {
    if (close.code === REFUSED) { this.drop(); return this.on.state('refused', close.reason) }
    this.retry()
  }

  retry() {
    this.drop()
    const most = Math.min(LONGEST, FIRST * 2 ** this.tries++)
    const delay = most / 2 + Math.random() * most / 2 // not all browsers at the same moment
    clearTimeout(this.timer)
    this.timer = setTimeout(() => this.connect(), delay)
    this.on.state('waiting')
  }

  hurry() {
    if (this.room && !this.socket) this.connect()
  }
}
