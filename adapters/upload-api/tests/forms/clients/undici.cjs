// The newest undici that this Node.js runs.

const { readFileSync } = require('node:fs')
const { basename } = require('node:path')
const { fetch, FormData } = require('undici')

const [url, first, second] = process.argv.slice(2)
const form = new FormData()
form.append('UPLOADCARE_PUB_KEY', 'demopublickey')
form.append('UPLOADCARE_STORE', '0')
form.append('metadata[note]', 'Grüße')
form.append('file', new Blob([readFileSync(first)], { type: 'text/plain' }), basename(first))
form.append('second', new Blob([readFileSync(second)]), basename(second))
fetch(url, { method: 'POST', body: form })
