#!/usr/bin/env bash
# A client of the REST API that goes back one page, and comes to the first one.
#
# Version: @uploadcare/rest-client 6.21.0, for Node.js.
#
# The API's list of files names the page before in `previous`. Recorded answers of the service put the place where that page ends
# into the parameter `to`. The client's `Paginator` reads such an address, but its request for files has no parameter `to` (nor
# `offset`), so the place is lost on the way.
#
# Here a server on this machine has six files in pages of two, with `from` and `to` as the service has them, and writes down what
# it is asked. The client goes to the third page, then back once.
#
# Seen: `prev()` sends the request without `to`. The answer is the first page and not the second, without an error, and the client
# says that there is no page before it.
#
# So a server that wants this client to go back has to name the page by `from` alone.
#
# Runs in a temporary folder, outside CI. Ends with 1 if any of this has changed.
set -euo pipefail

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init --yes >npm.txt
npm install --silent @uploadcare/rest-client@6.21.0 >npm.txt

cat >pages.mjs <<'JS'
import { createServer } from 'node:http'
import { Paginator, UploadcareSimpleAuthSchema, listOfFiles } from '@uploadcare/rest-client'

const SIZE = 2
const files = [1, 2, 3, 4, 5, 6].map((day) => ({ uuid: `file-${day}`, datetime_uploaded: `2026-01-0${day}T00:00:00.000000Z` }))

const asked = []
const server = createServer((request, response) => {
  const url = new URL(request.url, `http://${request.headers.host}`)
  asked.push([...url.searchParams.keys()].sort().join(' '))
  const at = (name) => files.findIndex((file) => file.datetime_uploaded === url.searchParams.get(name))
  // `from` begins behind a file, `to` ends before one.
  let begin = 0
  if (url.searchParams.has('from')) begin = at('from') + 1
  if (url.searchParams.has('to')) begin = Math.max(0, at('to') - SIZE)
  const results = files.slice(begin, begin + SIZE)
  const page = (name, file) => `${url.origin}/files/?${new URLSearchParams({ [name]: file.datetime_uploaded, offset: '0' })}`
  response.setHeader('Content-Type', 'application/vnd.uploadcare-v0.7+json')
  response.end(JSON.stringify({
    next: begin + SIZE < files.length ? page('from', results.at(-1)) : null,
    previous: begin > 0 ? page('to', results[0]) : null,
    total: files.length,
    per_page: SIZE,
    results,
  }))
})
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))

const authSchema = new UploadcareSimpleAuthSchema({ publicKey: 'demopublickey', secretKey: 'demosecretkey' })
const pages = new Paginator(listOfFiles, {}, { authSchema, apiBaseURL: `http://127.0.0.1:${server.address().port}/` })
const say = (what, page) => console.log(`${what}: ${page.results.map((file) => file.uuid).join(' ')} (asked with: ${asked.at(-1) || 'nothing'})`)
say('first', await pages.next())
say('next', await pages.next())
say('next', await pages.next())
say('previous', await pages.prev())
console.log('has a page before:', pages.hasPrevPage())
server.close()
JS
node pages.mjs >said.txt
cat said.txt

diff - said.txt <<'TEXT'
first: file-1 file-2 (asked with: nothing)
next: file-3 file-4 (asked with: from)
next: file-5 file-6 (asked with: from)
previous: file-1 file-2 (asked with: nothing)
has a page before: false
TEXT
