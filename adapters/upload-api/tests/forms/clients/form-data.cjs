// The form-data package, which axios, got and many others send forms with.

const { createReadStream } = require('node:fs')
const http = require('node:http')
const FormData = require('form-data')

const [url, first, second] = process.argv.slice(2)
const form = new FormData()
form.append('UPLOADCARE_PUB_KEY', 'demopublickey')
form.append('UPLOADCARE_STORE', '0')
form.append('metadata[note]', 'Grüße')
form.append('file', createReadStream(first))
form.append('second', createReadStream(second))
const request = http.request(url, { method: 'POST', headers: form.getHeaders() }, (answer) => answer.resume())
form.pipe(request)
