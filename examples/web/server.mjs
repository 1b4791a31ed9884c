// Serves the page beside this file, and signs its uploads.
//
//   npm install
//   INTAKE_SECRET_KEY=… npm start
//
// INTAKE_SECRET_KEY is a secret key of the project whose public key index.html names. With INTAKE_LET_IN=token uploads are let in
// by access tokens, not by signatures. INTAKE_DELIVERY_SECRET is one of the project's `delivery_secrets`, if its files are
// private. PORT is 3000 unless it is set.

import { createHash, createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'

// Longer than the ten minutes before the end at which the component asks for the next one.
const SIGNATURE_SECONDS = 30 * 60
const TOKEN_SECONDS = 30 * 60
// Where files come in, and what belongs to that.
const TOKEN_SCOPE = ['/base/', '/multipart/*', '/from_url/', '/group/']

const secretKey = process.env.INTAKE_SECRET_KEY
if (!secretKey) throw new Error('INTAKE_SECRET_KEY is not set')
const deliverySecret = process.env.INTAKE_DELIVERY_SECRET

const beside = (name) => fileURLToPath(new URL(name, import.meta.url))
const published = createRequire(import.meta.url).resolve

const FILES = {
  '/': [beside('index.html'), 'text/html'],
  '/page.js': [beside('page.js'), 'text/javascript'],
  '/let-in.js': [beside(process.env.INTAKE_LET_IN === 'token' ? 'token.js' : 'signature.js'), 'text/javascript'],
  '/open.js': [beside(deliverySecret ? 'private.js' : 'public.js'), 'text/javascript'],
  '/uploader.js': [published('@uploadcare/file-uploader/web/file-uploader.min.js'), 'text/javascript'],
  '/uploader.css': [published('@uploadcare/file-uploader/web/uc-file-uploader-regular.min.css'), 'text/css'],
}

function signature() {
  const secureExpire = String(Math.floor(Date.now() / 1000) + SIGNATURE_SECONDS)
  const secureSignature = createHmac('sha256', secretKey).update(secureExpire).digest('hex')
  return { secureSignature, secureExpire }
}

const encoded = (part) => Buffer.from(JSON.stringify(part)).toString('base64url')

function token() {
  const now = Math.floor(Date.now() / 1000)
  const claims = { iat: now, exp: now + TOKEN_SECONDS, uc: { restrictions: { scope: TOKEN_SCOPE } } }
  const signed = `${encoded({ alg: 'HS256', typ: 'JWT' })}.${encoded(claims)}`
  const key = createHash('sha256').update(secretKey).digest()
  return `${signed}.${createHmac('sha256', key).update(signed).digest('base64url')}`
}

// Opens every address of one file.
function deliveryToken(query) {
  const uuid = query.get('uuid')
  if (!deliverySecret || !/^[0-9a-f-]{36}$/.test(uuid)) return null
  const signed = `exp=${Math.floor(Date.now() / 1000) + TOKEN_SECONDS}~acl=/${uuid}/*`
  return `${signed}~hmac=${createHmac('sha256', Buffer.from(deliverySecret, 'hex')).update(signed).digest('hex')}`
}

// What lets the page's visitor upload, and see files.
const GRANTS = {
  '/signature': ['application/json', () => JSON.stringify(signature())],
  '/token': ['text/plain', token],
  '/delivery-token': ['text/plain', deliveryToken],
}

const server = createServer(async (request, response) => {
  const [path, query] = request.url.split('?', 2)
  const grant = request.method === 'POST' && Object.hasOwn(GRANTS, path) && GRANTS[path]
  if (grant) {
    const [type, make] = grant
    // Here your application checks that the visitor is logged in, and may see the file. Anyone who has the answer may upload, or
    // read the file, until it expires.
    const made = make(new URLSearchParams(query))
    if (made === null) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': type, 'cache-control': 'no-store' }).end(made)
    return
  }
  const file = request.method === 'GET' && Object.hasOwn(FILES, path) && FILES[path]
  if (!file) {
    response.writeHead(404).end()
    return
  }
  const [stored, type] = file
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8` }).end(await readFile(stored))
})

server.listen(Number(process.env.PORT ?? 3000), '127.0.0.1', () => {
  console.log(`http://localhost:${server.address().port}/`)
})
