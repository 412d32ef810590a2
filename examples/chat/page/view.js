// What is on the page. Texts come in by textContent only: what people write is never HTML.

const MOST = 500           // messages that stay on the page
const TOGETHER = 300       // seconds in which one person's messages stand together
const TYPING = 4000        // milliseconds

const $ = (id) => document.getElementById(id)
const log = $('log')
const shown = new Map()    // id → element
const typists = new Map()  // name → timer
let lastDay = ''           // that has a line
let lastRooms = ''         // as they are shown
const clock = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit' })
const day = new Intl.DateTimeFormat([], { dateStyle: 'full' })

const element = (tag, className, text = '') => Object.assign(document.createElement(tag), { className, textContent: text })

// A colour for each name, far from that of a similar one.
function hue(name) {
  let sum = 0
  for (const letter of name) sum = (sum * 31 + letter.codePointAt(0)) % 65521
  return Math.round(sum * 137.508) % 360
}

function avatar(name) {
  const circle = element('span', 'avatar', [...name][0].toUpperCase())
  circle.style.setProperty('--hue', hue(name))
  circle.ariaHidden = 'true'
  return circle
}

// A text, with links where it has addresses.
function words(text) {
  const box = element('p', 'words')
  for (const part of text.split(/(https?:\/\/[^\s<>"']+[^\s<>"'.,;:!?)\]])/)) {
    if (!/^https?:\/\/./.test(part)) { box.append(part); continue }
    const link = element('a', '', part)
    Object.assign(link, { href: part, target: '_blank', rel: 'noopener noreferrer nofollow' })
    box.append(link)
  }
  return box
}

const atEnd = () => log.scrollHeight - log.scrollTop - log.clientHeight < 80
const toEnd = () => { log.scrollTop = log.scrollHeight; $('latest').hidden = true }

function build(entry, mine) {
  const item = element('li', mine ? 'message mine' : 'message')
  Object.assign(item.dataset, { id: entry.id, name: entry.name, at: entry.at })
  const time = element('time', '', clock.format(entry.at * 1000))
  time.dateTime = new Date(entry.at * 1000).toISOString()
  const head = element('p', 'head')
  head.append(element('b', 'name', entry.name), time)
  const body = element('div', 'body')
  body.append(head, words(entry.text))
  item.append(avatar(entry.name), body)
  item.style.setProperty('--hue', hue(entry.name))
  return item
}

// Puts what stands together together, and a line between two days.
function arrange(item) {
  const today = day.format(item.dataset.at * 1000)
  if (today !== lastDay) item.before(element('li', 'note day', lastDay = today))
  const before = item.previousElementSibling
  const last = before?.matches('.message') ? before.dataset : null
  item.classList.toggle('more', last?.name === item.dataset.name && item.dataset.at - last.at < TOGETHER)
}

export const view = {
  $,

  clear() {
    log.replaceChildren()
    shown.clear()
    lastDay = ''
  },

  get empty() { return shown.size === 0 },

  // A message; one that we have sent ourselves, and that is there already, has arrived now.
  message(entry, me, pending = false) {
    const before = shown.get(entry.id)
    if (before && !before.matches('.pending')) return
    const follow = atEnd() || entry.name === me
    before?.remove()
    const item = build(entry, entry.name === me)
    item.classList.toggle('pending', pending)
    shown.set(entry.id, item)
    const waiting = pending ? null : log.querySelector('.pending')
    log.insertBefore(item, waiting)
    arrange(item)
    this.quiet(entry.name)
    this.trim()
    follow ? toEnd() : $('latest').hidden = false
  },

  note(text) {
    const follow = atEnd()
    log.append(element('li', 'note', text))
    this.trim()
    if (follow) toEnd()
  },

  trim() {
    while (log.children.length > MOST) {
      shown.delete(log.firstElementChild.dataset.id)
      log.firstElementChild.remove()
    }
  },

  // Not touched without need: somebody may be about to click.
  rooms(rooms, current) {
    const state = JSON.stringify([rooms, current])
    if (state === lastRooms) return
    lastRooms = state
    const names = Object.keys({ ...rooms, [current]: 0 })
    $('rooms').replaceChildren(...names.map((name) => {
      const item = document.createElement('li')
      const link = element('a', '', name)
      link.href = `#${name}`
      if (name === current) link.ariaCurrent = 'page'
      const count = rooms[name] ?? 0
      if (count) {
        const badge = element('span', 'count', count)
        badge.title = `${count} here`
        link.append(badge)
      }
      item.append(link)
      return item
    }))
  },

  people(names, me) {
    $('people-count').textContent = names.length
    $('people').replaceChildren(...names.map((name) => {
      const item = element('li', name === me ? 'self' : '')
      item.append(avatar(name), element('span', 'name', name))
      return item
    }))
  },

  typing(name) {
    clearTimeout(typists.get(name))
    typists.set(name, setTimeout(() => this.quiet(name), TYPING))
    this.showTyping()
  },

  quiet(name) {
    clearTimeout(typists.get(name))
    if (typists.delete(name)) this.showTyping()
  },

  nobodyTypes() { [...typists.keys()].forEach((name) => this.quiet(name)) },

  showTyping() {
    const names = [...typists.keys()]
    const who = names.length > 2 ? 'Several people' : names.join(' and ')
    $('typing').textContent = names.length ? `${who} ${names.length === 1 ? 'is' : 'are'} typing…` : ''
  },

  me(name) {
    $('me').replaceChildren(avatar(name), element('span', 'name', name), element('span', 'change', 'change'))
  },

  state(state) {
    document.body.dataset.state = state
    $('status').textContent = { connecting: 'connecting…', open: 'online', waiting: 'reconnecting…' }[state] ?? 'offline'
  },

  title(room, unread) {
    $('title').textContent = room
    $('text').placeholder = `Message to ${room}`
    document.title = `${unread ? `(${unread}) ` : ''}${room} · Polyphony chat`
  },

  toEnd,
}

log.addEventListener('scroll', () => { if (atEnd()) $('latest').hidden = true }, { passive: true })
$('latest').addEventListener('click', toEnd)
new ResizeObserver(() => { if ($('latest').hidden) toEnd() }).observe(log)
