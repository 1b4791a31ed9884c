// Drives the published JavaScript upload client, as published, against the server under test.
//
//   node upload.mjs SCENARIO BASE_URL JSON
//
// prints one JSON object on stdout. When the client fails, its error goes to stderr and the exit code is 1; a call
// which cannot be understood exits with 2.
//
// JSON holds `publicKey`, `secretKey` where uploads are signed, `authToken` where an access token is to be sent, and what a scenario names below; everything else in it is handed to the client as options of
// the upload (`store`, `fileName`, `contentType`, `metadata`, `multipartMinFileSize`, ...).

import { createHmac } from 'node:crypto'
import { subscribe } from 'node:diagnostics_channel'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import http from 'node:http'
import { homedir } from 'node:os'
import { join } from 'node:path'

// A server that never answers must not hold the test run for ever.
const DEADLINE_SECONDS = 300

// The client opens one connection for each file of `many`.
const MOST_FILES = 1000

const tools =
  process.env.INTAKE_TEST_TOOLS ||
  join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'intake', 'test-tools')

const MIB = 1024 * 1024

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
    const parts = { multipartMinFileSize: 10 * MIB, maxConcurrentRequests: 4, onProgress }
    const file = await client.uploadFile(await readFile(path), { ...parts, ...options })
    return { file, info: await client.info(file.uuid), progress }
  },

  /** `url` -> a file that the server fetches, by the high-level call, which polls until it is there: `{file, info}`. */
  async 'from-url'(client, { url, ...options }) {
    const file = await client.uploadFile(url, options)
    return { file, info: await client.info(file.uuid) }
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

  /** `call`, `arguments` -> any one call by its name: `{answer}`, or `{error}` with what the client reports. */
  async call(client, { call, arguments: given, ...options }) {
    try {
      return { answer: await client[call](...given, options) }
    } catch (error) {
      if (!error.code || !error.response) throw error
      return { error: { name: error.name, code: error.code, message: error.message } }
    }
  },

  /** -> what there is to call: `{functions, methods}`, the exported functions and the methods of the client's class. */
  async calls(client, _, published) {
    const isFunction = ([, value]) => typeof value === 'function' && !/^class\b/.test(value)
    const functions = Object.entries(published).filter(isFunction)
    const methods = Object.getOwnPropertyNames(published.UploadClient.prototype)
    return { functions: functions.map(([name]) => name), methods: methods.filter((name) => name !== 'constructor') }
  },

  /** `uuid` -> a file that is there already, by each of the calls that wait for one: `{polled, uploaded, file}`. */
  async 'already-there'(client, { uuid, ...options }, published) {
    const polled = await client.isReadyPoll(uuid, options)
    const uploaded = await published.uploadFromUploaded(uuid, { ...client.getSettings(), ...options })
    return { polled, uploaded, file: await client.uploadFile(uuid, options) }
  },

  /** `path` -> by the function for small files: `{file}`. */
  async 'upload-direct'(client, { path, ...options }, published) {
    return { file: await published.uploadDirect(await readFile(path), { ...client.getSettings(), ...options }) }
  },

  /** `path` -> by the function for large files: `{file}`. */
  async 'upload-multipart'(client, { path, ...options }, published) {
    return { file: await published.uploadMultipart(await readFile(path), { ...client.getSettings(), ...options }) }
  },

  /** `path`, `partSize` -> the three calls by hand, the last part first: `{started, codes, info}`. */
  async 'parts-by-hand'(client, { path, partSize, ...options }) {
    const whole = await readFile(path)
    const started = await client.multipartStart(whole.length, { ...options, multipartChunkSize: partSize })
    const codes = []
    for (const [number, address] of [...started.parts.entries()].reverse()) {
      const part = whole.subarray(number * partSize, (number + 1) * partSize)
      codes.push((await client.multipartUpload(part, address, options)).code)
    }
    return { started, codes, info: await client.multipartComplete(started.uuid, options) }
  },

  /** `url` -> the two calls by hand, asking until it has ended: `{answer, status}`. */
  async 'from-url-by-hand'(client, { url, ...options }, published) {
    const answer = await client.fromUrl(url, options)
    if (!answer.token) return { answer, status: null }
    const check = async () => {
      const status = await client.fromUrlStatus(answer.token)
      return ['success', 'error', 'unknown'].includes(status.status) && status
    }
    return { answer, status: await published.poll({ check, interval: 50 }) }
  },

  /** `url`, `release` -> a file of which the rest comes once its progress was seen: `{file, progress}`, all that was told. */
  async 'from-url-in-progress'(client, { url, release, ...options }, published) {
    const progress = []
    const onProgress = (told) => {
      progress.push(told)
      // Told at each of the client's questions: to let go twice does no harm.
      if (!told.isComputable || told.value >= 0.5) letGo(release)
    }
    const file = await published.uploadFromUrl(url, { ...client.getSettings(), ...options, onProgress })
    return { file, progress }
  },

  /** `path` or `url` -> an upload that is given up as soon as anything of it was told: `{name, isCancel, message}`. */
  async 'given-up'(client, { path, url, ...options }) {
    const controller = new AbortController()
    const more = { signal: controller.signal, onProgress: () => controller.abort() }
    try {
      await client.uploadFile(path ? await readFile(path) : url, { ...options, ...more })
    } catch (error) {
      return { name: error.name, isCancel: error.isCancel, message: error.message }
    }
    throw new Error('it ended before it was given up')
  },

  /** `url`, `release` -> an order for which there is no room until it was refused once: `{answer, answers}`, how many. */
  async 'told-to-come-again'(client, { url, release, ...options }) {
    let answers = 0
    subscribe('http.client.response.finish', ({ request }) => {
      if (request.path.startsWith('/from_url/?') && ++answers === 1) letGo(release)
    })
    return { answer: await client.fromUrl(url, options), answers }
  },

  /** `members` -> a group of files that are there, and what is known of it: `{group, info}`. */
  async group(client, { members, ...options }) {
    const group = await client.group(members, options)
    return { group, info: await client.groupInfo(group.id) }
  },

  /** `paths`, `urls` or `uuids` -> a group by the high-level call: `{group, info, progress}`. */
  async 'upload-group'(client, { paths, urls, uuids, ...options }) {
    let progress = 0
    const onProgress = ({ value }) => {
      progress = value
    }
    const data = urls ?? uuids ?? (await Promise.all(paths.map((path) => readFile(path))))
    const group = await client.uploadFileGroup(data, { ...options, onProgress })
    return { group, info: await client.groupInfo(group.uuid), progress }
  },

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

/** Asks the origin to go on. */
function letGo(release) {
  // Nothing hangs on the answer: if it cannot be asked, the file never comes, and that is reported.
  fetch(release).catch(() => {})
}

/**
 * Sends an access token with every request but those with parts. The newest published client has no option for it yet; the
 * one in its repository sends the header with just these requests.
 */
function authorize(token) {
  const request = http.request
  http.request = (options) => {
    const isPart = options.path.startsWith('/parts/')
    const headers = isPart ? options.headers : { ...options.headers, Authorization: `Bearer ${token}` }
    return request({ ...options, headers })
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
  const { publicKey, secretKey, authToken, ...given } = JSON.parse(json)
  const options = secretKey ? { ...signed(secretKey), ...given } : given
  if (authToken) authorize(authToken)
  const client = published()
  const result = await scenarios[scenario](new client.UploadClient({ publicKey, baseURL }), options, client)
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
}
clearTimeout(deadline)
// Where it can be reached, the client has opened a connection to a service that tells of news, and does not always close it:
// that must not keep this process.
process.stdout.write('', () => process.exit())
