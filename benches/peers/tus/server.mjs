// `@tus/server` with its store of files, as its documentation sets it up: one of the peers of `cargo bench --bench peers`.
//
//   node server.mjs FOLDER
//
// The benchmark runs a copy that stands beside the packages. Its first line says where it listens.

import { createServer } from 'node:http'
import { FileStore } from '@tus/file-store'
import { Server } from '@tus/server'

const directory = process.argv[2]
const tus = new Server({ path: '/files', datastore: new FileStore({ directory }) })
const server = createServer((request, response) => tus.handle(request, response))
// An upload may last, and a sender on one connection may ask as often as it likes.
server.requestTimeout = 0
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`))
