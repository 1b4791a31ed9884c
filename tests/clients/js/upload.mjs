// Drives the published JavaScript upload client, as published, against the server under test.
//
//   node upload.mjs SCENARIO BASE_URL JSON
//
// prints one JSON object on stdout. When the client fails, its error goes to stderr and the exit code is 1; a call
// which cannot be understood exits with 2.
//
// JSON holds `publicKey`, `secretKey` where uploads are signed, and what a scenario names below; everything else in it is handed to the client as options of
// the upload (`store`, `fileName`, `contentType`, `metadata`, `multipartMinFileSize`, ...).

import { createHmac } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join } from 'node:path'

// A server that never answers must not hold the test run for ever.
const DEADLINE_SECONDS = 300

// The client opens one connection for each file of `many`.
const MOST_FILES = 1000

const tools =
  process.env.INTAKE_TEST_TOOLS ||
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'intake', 'test-tools')

class Usage extends Error {}

/** The client lies outside of the checkout, where `./check setup` put it, and is looked up from there. */
function published() {
  const require = createRequire(join(tools, 'js', 'package.json'))
  try {
    return require('@uploadcare/upload-client')
  } catch (error) {
    if (error.code !== 'MODULE_NOT_FOUND') throw error
    throw new Usage(`the JavaScript client is not installed in ${tools}: run ./check setup`)
  }
}

const scenarios = {
  /** `path` -> the two low-level calls: `{file, info}`. */
  async 'base-and-info'(client, { path, ...options }) {
    const { file } = await client.base(await readFile(path), options)
    return { file, info: await client.info(file) }
  },

  /** `path` -> the high-level call, which polls until the file is ready: `{file, progress}`. */
  async 'upload-file'(client, { path, ...options }) {
    let progress = 0
    const onProgress = ({ value }) => {
      progress = value
    }
    const file = await client.uploadFile(await readFile(path), { ...options, onProgress })
    return { file, progress }
  },

  /** `path` -> as `upload-file`, in parts that go four at a time: `{file, info, progress}`. */
  async 'in-parts'(client, { path, ...options }) {
    let progress = 0
    const onProgress = ({ value }) => {
      progress = Math.max(progress, value)
    }
    const parts = { multipartMinFileSize: 10 * 1024 * 1024, maxConcurrentRequests: 4, onProgress }
    const file = await client.uploadFile(await readFile(path), { ...parts, ...options })
    return { file, info: await client.info(file.uuid), progress }
  },

  /** `url` -> a file that the server fetches, by the high-level call, which polls until it is there: `{file, info}`. */
  async 'from-url'(client, { url, ...options }) {
    const file = await client.uploadFile(url, options)
    return { file, info: await client.info(file.uuid) }
  },

  /** `url` -> the two low-level calls, once each: `{answer, status}`. */
  async 'from-url-once'(client, { url, ...options }) {
    const answer = await client.fromUrl(url, options)
    return { answer, status: answer.token ? await client.fromUrlStatus(answer.token, options) : null }
  },

  /** `url` -> as `from-url`, and it must come to nothing: `{name, code, message}` as the client reports them. */
  async 'refused-from-url'(client, options) {
    try {
      await scenarios['from-url'](client, options)
    } catch (error) {
      return { name: error.name, code: error.code, message: error.message }
    }
    throw new Error('the upload was accepted')
  },

  /** `path` -> an upload that must be refused: `{name, code, message}` as the client reports them. */
  async refused(client, { path, ...options }) {
    let answer
    try {
      answer = await client.base(await readFile(path), options)
    } catch (error) {
      // An error without a code is not the server's no: the client lost the connection or could not read the answer.
      if (!error.code || !error.response) throw error
      return { name: error.name, code: error.code, message: error.message }
    }
    throw new Error(`the upload was accepted: ${JSON.stringify(answer)}`)
  },

  /** `path` -> as `refused`, in parts: whoever completes it is told. */
  async 'refused-in-parts'(client, options) {
    try {
      await scenarios['in-parts'](client, options)
    } catch (error) {
      if (!error.code || !error.response) throw error
      return { name: error.name, code: error.code, message: error.message }
    }
    throw new Error('the upload was accepted')
  },

  /** `path` -> as `refused`, with a key that no project has. */
  'wrong-key': (client, options) => scenarios.refused(client, { ...options, publicKey: 'no-such-key' }),

  /** `count` -> as many different small files, all at once: `{files: [{uuid, text, size}]}`, `size` as read back. */
  async many(client, { count, ...options }) {
    if (!Number.isInteger(count) || count < 1 || count > MOST_FILES) {
      throw new Usage(`count must be a whole number from 1 to ${MOST_FILES}`)
    }
    const upload = async (_, number) => {
      const text = `file ${number} of ${count}\n${'x'.repeat(number)}`
      const { file } = await client.base(Buffer.from(text), { fileName: `${number}.txt`, ...options })
      const { size } = await client.info(file)
      return { uuid: file, text, size }
    }
    return { files: await Promise.all(Array.from({ length: count }, upload)) }
  }
}

/** What a backend hands a page so that it may upload for ten minutes, made as the documentation says. */
function signed(secretKey) {
  const secureExpire = String(Math.floor(Date.now() / 1000) + 600)
  const secureSignature = createHmac('sha256', secretKey).update(secureExpire).digest('hex')
  return { secureSignature, secureExpire }
}

async function main([scenario, baseURL, json, ...rest]) {
  if (!Object.hasOwn(scenarios, scenario ?? '') || !baseURL || !json || rest.length > 0) {
    throw new Usage(`usage: node upload.mjs ${Object.keys(scenarios).join('|')} BASE_URL JSON`)
  }
  const { publicKey, secretKey, ...given } = JSON.parse(json)
  const options = secretKey ? { ...signed(secretKey), ...given } : given
  const { UploadClient } = published()
  const result = await scenarios[scenario](new UploadClient({ publicKey, baseURL }), options)
  process.stdout.write(`${JSON.stringify(result)}\n`)
}

const deadline = setTimeout(() => {
  process.stderr.write(`no result within ${DEADLINE_SECONDS} seconds\n`)
  process.exit(1)
}, DEADLINE_SECONDS * 1000)

try {
  await main(process.argv.slice(2))
} catch (error) {
  if (error instanceof Usage) {
    process.stderr.write(`${error.message}\n`)
    process.exitCode = 2
  } else {
    process.stderr.write(`${error.stack}\n`)
    if (error.code) process.stderr.write(`code: ${error.code}\n`)
    process.exitCode = 1
  }
} finally {
  clearTimeout(deadline)
}
