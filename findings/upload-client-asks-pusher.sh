#!/usr/bin/env bash
# Whom the official JavaScript upload client speaks to when it is pointed at a server of one's own.
#
# Versions: @uploadcare/upload-client 6.21.0, on which @uploadcare/file-uploader 1.33.2 is built; ws 8.18.0.
#
# One would guess that `baseURL` (`base-url` of the component) moves all requests. It does for files from the device.
#
# Seen, for an upload from a URL:
#   - Beside the requests to `baseURL`, the client opens a WebSocket to ws.pusherapp.com.
#   - There it subscribes to `task-status-TOKEN`, where TOKEN is what the server at `baseURL` has answered: with it anyone
#     may ask that server how far the fetch is, and what came of it.
#   - `pusherKey: ''` stands for no key, but the client connects and subscribes all the same. The component has no such setting.
#   - Without an answer from there, the client asks `baseURL` alone, and the upload succeeds.
#
# So a deployment that must keep this to itself needs a Content-Security-Policy, or no uploads from URLs in the page.
#
# Runs in a temporary folder, outside CI; no request leaves the machine, as the script answers in Pusher's place. Ends with 1 if
# any of this has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts @uploadcare/upload-client@6.21.0 ws@8.18.0

cat >seen.mjs <<'JAVASCRIPT'
import dns from 'node:dns'
import http from 'node:http'
import net from 'node:net'
import tls from 'node:tls'
import { WebSocketServer } from 'ws'
import { uploadFile } from '@uploadcare/upload-client'

const listen = (server) => new Promise((done) => server.listen(0, '127.0.0.1', () => done(server.address().port)))

// A server of one's own: it takes an order to fetch, and says at the third question that it is done.
const TOKEN = '11111111-2222-4333-8444-555555555555'
const ID = 'aaaaaaaa-bbbb-4ccc-8ddd-eeeeeeeeeeee'
const TEXT = { original_filename: 'a', filename: 'a', mime_type: 'text/plain', is_image: false }
const FILE = { uuid: ID, file_id: ID, size: 1, total: 1, done: 1, is_stored: true, is_ready: true, ...TEXT }
let questions = 0
const own = http.createServer((request, response) => {
  const { pathname } = new URL(request.url, 'http://own')
  const answers = {
    '/from_url/': () => ({ type: 'token', token: TOKEN }),
    '/from_url/status/': () =>
      ++questions < 3 ? { status: 'progress', done: 0, total: 1 } : { status: 'success', ...FILE },
    '/info/': () => FILE,
  }
  response.end(JSON.stringify(answers[pathname]()))
})
const baseURL = `http://127.0.0.1:${await listen(own)}`

// In Pusher's place, without TLS; or nobody.
const heard = []
const pusher = http.createServer()
new WebSocketServer({ server: pusher }).on('connection', (socket) => {
  socket.send(JSON.stringify({ event: 'pusher:connection_established', data: '{}' }))
  socket.on('message', (message) => heard.push(JSON.parse(message)))
})
const pusherPort = await listen(pusher)
let asked = []
let answers = true
tls.connect = ({ host, servername }) => {
  asked.push(host ?? servername)
  return net.connect(answers ? pusherPort : 1, '127.0.0.1', function () { this.emit('secureConnect') })
}
dns.lookup = (name) => { throw new Error(`${name} was looked up`) }

async function upload(options) {
  asked = []
  heard.length = 0
  questions = 0
  const file = await uploadFile('http://source.invalid/a', { publicKey: 'demopublickey', baseURL, ...options })
  const subscribed = heard.filter(({ event }) => event === 'pusher:subscribe')
  return {
    asked: [...new Set(asked)].join(),
    channels: subscribed.map(({ data }) => data.channel).join(),
    file: file.uuid === FILE.uuid,
  }
}

const SEEN = { asked: 'ws.pusherapp.com', channels: `task-status-${TOKEN}`, file: true }
let changed = false
function compare(title, found, seen) {
  console.log(title, JSON.stringify(found))
  if (JSON.stringify(found) !== JSON.stringify(seen)) {
    changed = true
    console.log('  was', JSON.stringify(seen))
  }
}
compare('by default', await upload({}), SEEN)
compare('without a key', await upload({ pusherKey: '' }), SEEN)
answers = false
compare('nobody answers there', await upload({ pusherKey: 'another' }), { ...SEEN, channels: '' })
process.exit(changed ? 1 : 0)
JAVASCRIPT
node seen.mjs
