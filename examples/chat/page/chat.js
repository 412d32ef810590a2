import { Connection } from './connection.js'
import { view } from './view.js'

const { $ } = view
const ROOM = /^[a-z0-9][a-z0-9-]{0,23}$/
const QUIET = 2000 // milliseconds between two signs that we are typing

let name = localStorage.getItem('name') ?? ''
let room
let people = null // who was here when we last heard
let unread = 0
let typed = 0

const chosen = () => {
  const wanted = location.hash.slice(1).toLowerCase()
  return ROOM.test(wanted) ? wanted : 'lobby'
}

const connection = new Connection({
  event: (event) => events[event.type]?.(event),
  state(state, reason) {
    view.state(state)
    if (state === 'refused') ask(reason)
  },
})

const events = {
  welcome(event) {
    people = null
    if (!event.resumed && !view.empty) view.note('Back again. Something may be missing here.')
    event.said.forEach((entry) => view.message(entry, name))
    events.present(event)
  },

  said(entry) {
    view.message(entry, name)
    if (document.hidden) view.title(room, ++unread)
  },

  typing(event) { if (event.name !== name) view.typing(event.name) },

  present(event) {
    view.rooms(event.rooms, room)
    view.people(event.people, name)
    if (people) {
      event.people.filter((who) => who !== name && !people.includes(who)).forEach((who) => view.note(`${who} has come in`))
      people.filter((who) => who !== name && !event.people.includes(who)).forEach((who) => view.note(`${who} has left`))
    }
    if (event.people.includes(name)) people = event.people
  },
}

const now = () => Math.floor(Date.now() / 1000)

function enter() {
  closeMenu()
  if (!name) return ask()
  if (room !== chosen()) view.clear()
  room = chosen()
  people = null
  view.nobodyTypes()
  view.title(room, unread = 0)
  view.rooms({}, room)
  view.me(name)
  connection.enter(room, name)
  write()
}

// On a phone this would bring the keyboard up.
function write() {
  if (matchMedia('(min-width: 721px)').matches) $('text').focus()
}

function ask(reason = '') {
  $('refused').textContent = reason
  $('door-room').textContent = chosen()
  $('name').value = name
  if (!$('door').open) $('door').showModal()
  $('name').select()
}

$('enter').addEventListener('submit', () => {
  name = $('name').value.trim().replace(/\s+/g, ' ')
  localStorage.setItem('name', name)
  enter()
})
$('door').addEventListener('cancel', (event) => { if (!name) event.preventDefault() })
$('door').addEventListener('close', () => name ? write() : ask())
$('me').addEventListener('click', () => ask())
addEventListener('hashchange', enter)

$('new-room').addEventListener('submit', (event) => {
  event.preventDefault()
  const wanted = $('new-room-name').value.trim().toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')
  if (!ROOM.test(wanted)) return
  $('new-room-name').value = ''
  location.hash = wanted
})

// --- writing

const text = $('text')
const grow = () => { text.style.height = 'auto'; text.style.height = `${text.scrollHeight}px` }

function say() {
  const words = text.value.replace(/[^\P{Cc}\n]/gu, ' ').trim() // as the server does: what it drops, does not come back
  if (!words || !room) return
  text.value = ''
  grow()
  typed = 0
  const id = connection.say(words)
  view.message({ id, name, text: words, at: now() }, name, true)
}

$('composer').addEventListener('submit', (event) => { event.preventDefault(); say(); text.focus() })
text.addEventListener('keydown', (event) => {
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return
  event.preventDefault()
  say()
})
text.addEventListener('input', () => {
  grow()
  if (!text.value.trim() || Date.now() - typed < QUIET) return
  typed = Date.now()
  connection.typing()
})

// --- the menu, on a phone

function openMenu(open) {
  $('app').classList.toggle('open', open)
  $('menu').ariaExpanded = String(open)
}
const closeMenu = () => openMenu(false)
$('menu').addEventListener('click', () => openMenu($('menu').ariaExpanded !== 'true'))
$('shade').addEventListener('click', closeMenu)
addEventListener('keydown', (event) => { if (event.key === 'Escape') closeMenu() })
document.addEventListener('visibilitychange', () => { if (!document.hidden && room) view.title(room, unread = 0) })

enter()
