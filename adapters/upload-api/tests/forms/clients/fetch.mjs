// The fetch and FormData that Node.js has built in.

import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'

const [url, first, second] = process.argv.slice(2)
const form = new FormData()
form.append('UPLOADCARE_PUB_KEY', 'demopublickey')
form.append('UPLOADCARE_STORE', '0')
form.append('metadata[note]', 'Grüße')
form.append('file', new Blob([await readFile(first)], { type: 'text/plain' }), basename(first))
form.append('second', new Blob([await readFile(second)]), basename(second))
await fetch(url, { method: 'POST', body: form })
