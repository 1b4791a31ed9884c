// Serves the page beside this file, and signs its uploads.
//
//   npm install
//   INTAKE_SECRET_KEY=… npm start
//
// INTAKE_SECRET_KEY is a secret key of the project whose public key index.html names. PORT is 3000 unless it is set.

import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

// Longer than the ten minutes before the end at which the component asks for the next one.
const SIGNATURE_SECONDS = 30 * 60

const secretKey = process.env.INTAKE_SECRET_KEY
if (!secretKey) throw new Error('INTAKE_SECRET_KEY is not set')

const beside = (name) => fileURLToPath(new URL(name, import.meta.url))
const published = createRequire(import.meta.url).resolve

const FILES = {
  '/': [beside('index.html'), 'text/html'],
  '/page.js': [beside('page.js'), 'text/javascript'],
  '/uploader.js': [published('@uploadcare/file-uploader/web/file-uploader.min.js'), 'text/javascript'],
  '/uploader.css': [published('@uploadcare/file-uploader/web/uc-file-uploader-regular.min.css'), 'text/css'],
}

function signature() {
  const secureExpire = String(Math.floor(Date.now() / 1000) + SIGNATURE_SECONDS)
  const secureSignature = createHmac('sha256', secretKey).update(secureExpire).digest('hex')
  return { secureSignature, secureExpire }
}

const server = createServer(async (request, response) => {
  if (request.method === 'POST' && request.url === '/signature') {
    // Here your application checks that the visitor is logged in. Anyone who has the answer may upload until it expires.
    response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    response.end(JSON.stringify(signature()))
    return
  }
  const file = request.method === 'GET' && Object.hasOwn(FILES, request.url) && FILES[request.url]
  if (!file) {
    response.writeHead(404).end()
    return
  }
  const [path, type] = file
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(await readFile(path))
})

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://localhost:${server.address().port}/`)
})
